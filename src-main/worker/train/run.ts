/** A run that is under way: everything that its steps work on. */
import type { BatchPlan } from '../../datasets/batchPlan.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { AdamW } from '../../engine/optim/adamw.ts';
import type { AttachedMethod } from '../../methods/attach.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { TrainSettings } from '../../../src-shared/settings/training.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import type { Wishes } from '../control.ts';
import type { Choices } from './choices.ts';
import type { RunData } from './data.ts';
import type { Progress } from './state.ts';
import type { Team } from './team.ts';

export interface Run {
  /** Folder of its states. */
  dir: string;
  engine: BackendName;
  device: string;
  settings: TrainSettings;
  data: RunData;
  /** With what is trained attached. */
  model: Decoder;
  method: AttachedMethod;
  optimizer: AdamW;
  /** Where a run learns from choices: its rows as such. */
  choices: Choices | null;
  /** Which of the training rows make up which step. */
  plan: BatchPlan;
  /** Where to go on from; kept up to date. */
  progress: Progress;
  totalSteps: number;
  /** The learning rate of a step, counted from 0. */
  lrOf: (step: number) => number;
  trainableParameters: number;
  totalParameters: number;
  /** What tensors may hold; null: as much as the engine has. */
  tensorLimitBytes: number | null;
  /** What they may hold where single rows take more than that. */
  mostTensorBytes: number | null;
  /** Each state is as large as a model, so that only the newest is kept. */
  keepsOnlyNewestState: boolean;
  /** Null: no sample texts are wanted. */
  sampler: Sampler | null;
  emit: (event: TrainEvent) => void;
  /** Of the whole team. */
  control: Wishes;
  /** The processes that take its steps. */
  team: Team;
}

export interface Sampler {
  /** What the rows answer to each prompt; null where none asks it. */
  expected: (string | null)[];
  /** One text per prompt. */
  texts(): Promise<string[]>;
  /** Loss of the row that each prompt is of, with the values as they are; null where none asks it. */
  losses(): Promise<(number | null)[]>;
}
