/** What a run tells while it trains, what it ends with, and what can be asked about one of its steps. */
import type { KeptTemplate } from './promptTemplates.ts';
import type { BackendName } from './backends.ts';
import type { BadRow, DatasetKind, UnusedField } from './datasets.ts';
import type { LoadProgress } from './loadProgress.ts';
import type { PreferenceScores } from './objectives.ts';
import type { RunSpec } from './runSpec.ts';

export interface StepMetrics {
  /** 1-based optimiser step that has just been taken. */
  step: number;
  /** Mean loss per labelled token of this step's batch, before the update; of choices per pair or answer. */
  loss: number;
  lr: number;
  /** Global gradient norm before clipping. */
  gradNorm: number;
  /** Non-padding tokens processed per second in this step. */
  tokensPerSecond: number;
  /** Resident memory of the worker process. */
  memoryBytes: number;
  /** Duration of this step. */
  elapsedMs: number;
  /** Of this step's choices, before the update; only where a run learns from choices. */
  preference?: PreferenceScores;
}

export type TrainEvent =
  /** Before `started`, some times a second. */
  | ({ type: 'loading' } & LoadProgress)
  | {
      type: 'started';
      engine: BackendName;
      device: string;
      trainableParameters: number;
      totalParameters: number;
      totalSteps: number;
      /** Of the first epoch; absent in runs of before. */
      stepsPerEpoch?: number;
      trainRows: number;
      valRows: number;
      /** Kind of the rows; what was noted by earlier versions lacks it. */
      rows?: DatasetKind;
      /** What the rows answer to each sample prompt; null where no row asks it. Absent without sample prompts. */
      expected?: (string | null)[];
      /** Step the run continues after; 0 for a fresh run. */
      resumedFrom: number;
    }
  | ({ type: 'step' } & StepMetrics)
  /** With `scores` where texts are classified, with `preference` where a run learns from choices. */
  | { type: 'eval'; step: number; valLoss: number; scores?: ClassScores; preference?: PreferenceScores }
  | { type: 'checkpoint'; step: number }
  /** Greedy texts from the run's sample prompts, in their order, with the loss of the row that each prompt is of. */
  | { type: 'sample'; step: number; texts: string[]; losses?: (number | null)[] | undefined }
  | { type: 'log'; message: string };

/** Of the first held-out rows, on how many a run ended with a lower loss than it began with, and with a higher one. */
export interface HeldOutRows {
  rows: number;
  better: number;
  worse: number;
}

export interface TrainResult {
  /**
   * 'stopped': the user asked for it; the adapter so far was written. 'paused': the run goes on later from its
   * run state, and `outDir` is the interim adapter.
   */
  outcome: 'completed' | 'stopped' | 'paused';
  outDir: string;
  /** sha256 of the weights file in outDir. */
  sha256: string;
  sizeBytes: number;
  steps: number;
  firstLoss: number;
  finalLoss: number;
  /** Null when there are no validation rows. */
  initialValLoss: number | null;
  /** Of what was saved: the best evaluation with `keepBest`, else the last one. */
  valLoss: number | null;
  /**
   * The evaluation with the lowest validation loss. Absent in runs of before, null without evaluations of trained
   * values.
   */
  best?: { step: number; valLoss: number } | null;
  /** The run ended before its last step because the validation loss had stopped falling. */
  stoppedEarly?: boolean;
  /** Steps left out because their loss or gradient norm was not finite. */
  skippedSteps?: number;
  /** Every trained value of the adapter is what it was at the start. Absent in runs of before and of whole models. */
  unchanged?: boolean;
  /** Milliseconds that the steps took, pauses and evaluations aside. Absent in runs of before. */
  trainingMs?: number;
  /** Absent without held-out rows, and in runs of before. */
  heldOut?: HeldOutRows;
  /** How questions were put. Absent in runs from before there was a choice. */
  promptTemplate?: KeptTemplate['name'];
  trainableParameters: number;
  totalParameters: number;
  tokensPerSecond: number;
  peakMemoryBytes: number;
  engine: BackendName;
  device: string;
}

export interface ClassScores {
  accuracy: number;
  /** With two classes: F1 of the second. */
  f1?: number;
  /** Mean over the classes of their F1; 0 for one that is neither there nor predicted. */
  macroF1: number;
}

/** What an evaluation read of its file. */
export interface EvaluatedRows {
  /** Tokens at which rows are cut, whether the model's positions set it, not the setting, and how many were cut. */
  maxLength: number;
  limitedByModel: boolean;
  cutRows: number;
  /** Left out. */
  badRows: BadRow[];
  /** What the rows say and was not used. */
  unused: UnusedField[];
  /** Rows whose text spells out control tokens of the model. */
  controlTokenRows: number;
  /** The same in sentences. */
  notes: string[];
}

export interface EvaluateResult extends EvaluatedRows {
  /** Mean per labelled token, or per row where texts are classified. */
  loss: number;
  perplexity: number;
  /** Labelled tokens. */
  tokens: number;
  rows: number;
  /** Where texts are classified; `labels` in the order of the classes. */
  scores?: ClassScores & { labels: string[] };
}

export interface InspectedRow {
  /** Of the dataset's file, 1-based; with `sharedLines` the row's number. */
  line: number;
  /** After truncation. */
  tokens: number;
  labelledTokens: number;
  /** Mean per labelled token. */
  loss: number;
  /** What the model is given, and what it is to write. Of a text without a prompt the first token stands in for it. */
  prompt: string;
  completion: string;
  /** The answer that was rejected for it. */
  rejected?: string;
}

export interface InspectedStep {
  step: number;
  /** Mean over all labelled tokens of the step. */
  meanLoss: number;
  /** Rows have no lines of their own: their numbers are told, not their lines. */
  sharedLines: boolean;
  /** In the order of the batch. */
  rows: InspectedRow[];
}

export interface InspectParams {
  spec: RunSpec;
  /** 1-based. */
  step: number;
  /** File of a run state from before the step; null: start from the beginning. */
  state: string | null;
}
