/**
 * Messages between the main process and a worker process (src-main/worker/main.ts).
 * Only small plain data crosses: paths, numbers, text. Weights never do, of rows no more than a page shows.
 */
import { z } from 'zod';
import type { CheckOptions, DatasetCheck } from '../src-main/datasets/check.ts';
import type { ColumnPlan } from '../src-main/datasets/columns.ts';
import type { LengthCounts } from '../src-main/datasets/lengths.ts';
import type { PreviewedRow } from '../src-main/datasets/tokenPreview.ts';
import type { BadRow, DatasetFormat, Example, LossOn, Message } from '../src-main/datasets/types.ts';
import type { ErrorData } from './errors.ts';
import { BASE_DTYPES, type BaseDtype } from '../src-main/engine/packed/formats.ts';
import type { ClassScores } from '../src-main/engine/train/classification.ts';
import type { InspectedStep, InspectParams } from '../src-main/worker/train/inspectStep.ts';
import { methodSchema } from './methodSettings.ts';
import type { ModelNeeds } from '../src-main/worker/plan/modelNeeds.ts';
import type { PlanResult, Room } from '../src-main/worker/plan/planner.ts';
import type { TokenizerCheck } from '../src-main/worker/tokens/checkTokenizer.ts';
import { trainSettingsSchema, type TrainSettings } from './trainSettings.ts';

export const ENGINES = ['tensorflow', 'webgpu', 'wasm'] as const;
export type EngineName = (typeof ENGINES)[number];

/** What the dataset reader needs to read the rows again, exactly as they were checked. */
export const dataSpecSchema = z.object({
  file: z.string(),
  /** Undefined: by file extension and content. */
  format: z.enum(['jsonl', 'json', 'csv']).optional(),
  /** Column renames, wanted name -> name in the file, e.g. { prompt: 'question' }. */
  map: z.record(z.string(), z.string()).default({}),
  /** Which tokens carry loss. */
  lossOn: z.enum(['completion', 'all']).default('completion'),
  /** Tokens per example, longer ones are truncated. */
  maxLength: z.number().int().min(2).default(256),
  /** Rows are texts with a label each; a head that tells the labels apart is trained with the adapter. */
  classify: z.boolean().optional(),
  /** Lines of the file whose rows are not trained on; which rows validate does not depend on them. */
  excludeLines: z.array(z.number().int().min(1)).optional(),
});
export type DataSpec = z.infer<typeof dataSpecSchema>;

export { trainSettingsSchema, type TrainSettings };

/** Everything a run needs; self-contained, so that a run can be repeated or resumed from this record alone. */
export const runSpecSchema = z.object({
  runId: z.string(),
  engine: z.enum(['auto', ...ENGINES]).default('auto'),
  model: z.object({ dir: z.string(), hash: z.string() }),
  /** How the base's linear layers are kept in memory; absent, as in runs of before, means f32. */
  baseDtype: z.enum(BASE_DTYPES).optional(),
  data: dataSpecSchema.extend({
    hash: z.string().optional(),
    allowBadRows: z.boolean().default(true),
    /** Of the dataset in the catalogue, which `file` was. */
    version: z.number().int().min(1).optional(),
  }),
  task: z.string(),
  method: methodSchema,
  train: trainSettingsSchema,
  /** Folder of this run, for its checkpoint. Exists before the run starts. */
  runDir: z.string(),
  /** Where the finished adapter folder (or, for `full`, the model folder) goes; must not exist yet. */
  outDir: z.string(),
  /** The run was rolled back: up to `step` it is the run `runId`, whose rows may have been others. */
  rolledBack: z.object({ runId: z.string(), step: z.number().int().min(0) }).optional(),
});
export type RunSpec = z.infer<typeof runSpecSchema>;

export interface StepMetrics {
  /** 1-based optimiser step that has just been taken. */
  step: number;
  /** Mean loss per labelled token of this step's batch, before the update. */
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
}

export type TrainEvent =
  | {
      type: 'started';
      engine: EngineName;
      device: string;
      trainableParameters: number;
      totalParameters: number;
      totalSteps: number;
      trainRows: number;
      valRows: number;
      /** Step the run continues after; 0 for a fresh run. */
      resumedFrom: number;
    }
  | ({ type: 'step' } & StepMetrics)
  /** With `scores` where texts are classified. */
  | { type: 'eval'; step: number; valLoss: number; scores?: ClassScores }
  | { type: 'checkpoint'; step: number }
  /** Greedy texts from the run's sample prompts, in their order. */
  | { type: 'sample'; step: number; texts: string[] }
  | { type: 'log'; message: string };

export interface TrainResult {
  /**
   * 'stopped': the user asked for it; the adapter so far was written. 'paused': the run goes on later from its
   * checkpoint, and `outDir` is the interim adapter.
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
  trainableParameters: number;
  totalParameters: number;
  tokensPerSecond: number;
  peakMemoryBytes: number;
  engine: EngineName;
  device: string;
}

export interface EngineReport {
  name: EngineName;
  usable: boolean;
  /** Runs on a hardware GPU. */
  gpu: boolean;
  device: string;
  /** Memory the engine can use; null when it cannot tell. */
  memoryBytes: number | null;
  /** One sentence: why it is, or is not, usable. */
  reason: string;
  /** Matrix multiplication speed of the calibration, null when not measured. */
  gflops: number | null;
}

/** One small computation on an engine beside the same in plain JavaScript. */
export interface SelfTestCheck {
  name: string;
  /** Of all values, beside the largest reference value as 1. */
  maxDifference: number;
  tolerance: number;
  passed: boolean;
}

export interface SelfTestResult {
  engine: EngineName;
  device: string;
  checks: SelfTestCheck[];
  passed: boolean;
  elapsedMs: number;
}

export interface EvaluateResult {
  /** Mean per labelled token, or per row where texts are classified. */
  loss: number;
  perplexity: number;
  /** Labelled tokens. */
  tokens: number;
  rows: number;
  /** Where texts are classified; `labels` in the order of the classes. */
  scores?: ClassScores & { labels: string[] };
}

/** What a run takes, before it starts; `totalBytes` is the sum of the parts. */
export interface MemoryEstimate {
  engine: EngineName;
  /** On webgpu memory of the card, else of the worker process. */
  totalBytes: number;
  /** Node, the engine's library and what they keep, whatever is trained. */
  processBytes: number;
  weightBytes: number;
  /** Values that the method adds to the model's. */
  trainableBytes: number;
  gradientBytes: number;
  momentBytes: number;
  /** Activations kept for the gradient, a chunk of logits, and what is computed in between, at the worst moment. */
  activationBytes: number;
}

export interface PreflightResult {
  engine: EngineName;
  device: string;
  /** The micro-batch with the most tokens, with which the step was taken. */
  longest: { rows: number; tokens: number; longestRow: number };
  estimate: MemoryEstimate;
  /** Measured, of the same kind as `estimate.totalBytes`. */
  peakBytes: number;
  stepMs: number;
  /** Of the longest validation batch; null without validation rows. */
  evaluationMs: number | null;
  /** What the run may take; null where the engine does not say. */
  limitBytes: number | null;
  /**
   * The largest that fit into the limit, each with all else as it is; null where there is no limit or nothing of this
   * kind.
   */
  largest: { batch: number | null; maxLength: number | null; rank: number | null };
}

export interface LoadResult {
  engine: EngineName;
  device: string;
  loadMs: number;
  totalParameters: number;
  /** The checkpoint has a template for conversations. */
  chatTemplate: boolean;
  /** What the loaded model takes: the tensors on the card on webgpu, else all of the worker process. */
  memoryBytes: number;
}

export interface GenerateParams {
  /** Text to continue; the user's turn where `chat` is set. */
  prompt: string;
  /** True: put the prompt through the checkpoint's chat template as one user turn. */
  chat?: boolean;
  /** A whole conversation, which the assistant shall answer through the chat template; stands in for `prompt`. */
  messages?: Message[];
  maxNew: number;
  temperature: number;
  topK?: number;
  topP?: number;
  /** 1 or absent: none. */
  repetitionPenalty?: number;
  seed?: number;
  stop?: string[];
  /** Tell how likely each new token was, and what else was likely. */
  probabilities?: boolean;
}

/** A new token and how likely the model held it: its own softmax, before temperature, penalty and cuts. */
export interface TokenProbability {
  /** The part of the answer that it completes; empty while a character is unfinished. */
  text: string;
  id: number;
  p: number;
  /** The five likeliest tokens, likeliest first. */
  top: { text: string; p: number }[];
}

export interface GenerateResult {
  text: string;
  tokens: number;
  promptTokens: number;
  stopReason: 'length' | 'eos' | 'stop' | 'cancelled';
  /** Until this answer ended, whatever became of the others of its batch. */
  tokensPerSecond: number;
  /** Where asked for; their texts together are `text`. */
  probabilities?: TokenProbability[];
}

/** What an answer has grown by. The texts of the tokens may lag behind `text`, never run ahead. */
export interface AnswerPiece {
  text: string;
  /** Of the answer so far. */
  tokensPerSecond: number;
  probabilities?: TokenProbability[];
}

/** Of several answers, by their place in the request: a piece, or the end. */
export type CompareEvent =
  ({ type: 'text'; row: number } & AnswerPiece) | { type: 'done'; row: number; result: GenerateResult };

/** Written beside an export as `parity.json`, and returned. */
export interface ParityCertificate {
  prompts: number;
  tokensCompared: number;
  maxLogitDifference: number;
  /** Largest magnitude of the reference logits, for scale. */
  maxLogit: number;
  equalGreedyShare: number;
  tolerance: number;
  dtype: 'f32' | 'f16' | 'bf16';
  passed: boolean;
  engine: EngineName;
  /** Of several adapters the first. */
  adapterSha256: string;
  /** Present where adapters were merged with scales. */
  tasks?: { adapterSha256: string; scale: number }[];
  baseHash: string;
  createdAt: string;
}

/** One adapter of task arithmetic. */
export interface TaskDir {
  adapterDir: string;
  /** Factor on the adapter's own scale; negative takes it away. */
  scale: number;
}

export interface MergeParams {
  engine: EngineName;
  modelDir: string;
  /** The adapter that is merged as it is, or base + sum of scale·adapter. */
  adapterDir: string;
  /** Present: all adapters with their scales; `adapterDir` is the first of them. */
  tasks?: TaskDir[];
  outDir: string;
  /** Undefined: the base's own dtype. */
  dtype?: 'f32' | 'f16' | 'bf16';
  /** The run's data, whose validation rows serve as held-out prompts; without it fixed texts do. */
  heldOut?: { data: RunSpec['data']; val: number; seed: number };
}

export interface MergeResult {
  outDir: string;
  files: string[];
  sizeBytes: number;
  sha256: string;
  certificate: ParityCertificate;
}

/** One entry per call that a worker process answers: params in, any number of events, one result. */
export interface WorkerCalls {
  engines: { params: { calibrate: boolean }; event: never; result: EngineReport[] };
  /** A few small computations, compared with plain JavaScript. */
  selfTest: { params: { engine: EngineName }; event: never; result: SelfTestResult };
  train: { params: { spec: RunSpec; resume: boolean }; event: TrainEvent; result: TrainResult };
  /** One step and one evaluation on the longest batches of a run that does not start; writes nothing. */
  preflight: { params: { spec: RunSpec }; event: never; result: PreflightResult };
  /** Takes the steps of a run again up to one of them, and measures its rows; writes nothing. */
  inspectStep: { params: InspectParams; event: { done: number; total: number }; result: InspectedStep };
  /**
   * What a run that does not start comes to, by formulas and shapes alone: steps, tokens, memory; then what would fit.
   */
  plan: { params: { spec: RunSpec; room: Room }; event: never; result: PlanResult };
  planLargest: { params: { spec: RunSpec; room: Room }; event: never; result: PreflightResult['largest'] };
  /** Memory that a base model takes on each engine. */
  modelNeeds: { params: { modelDir: string }; event: never; result: ModelNeeds[] };
  checkTokenizer: { params: { modelDir: string }; event: never; result: TokenizerCheck };
  /** Rows token by token; those that the chat template cannot write with the reason. */
  previewTokens: {
    params: { modelDir: string; examples: Example[]; lossOn: LossOn; maxLength: number };
    event: never;
    result: (PreviewedRow | BadRow)[];
  };
  /** Lengths of the good rows of a file, of which there are `total`, as they are counted. */
  countTokens: {
    params: {
      modelDir: string;
      file: string;
      format: DatasetFormat | null;
      plan: ColumnPlan;
      total: number;
      lossOn: LossOn;
    };
    event: LengthCounts;
    result: void;
  };
  checkDataset: { params: CheckOptions; event: never; result: DatasetCheck };
  evaluate: {
    params: {
      engine: EngineName;
      modelDir: string;
      baseDtype?: BaseDtype;
      adapterDir?: string;
      data: DataSpec;
      batch: number;
    };
    event: { done: number; total: number };
    result: EvaluateResult;
  };
  /** Loads a base model that stays resident for attach and generate. */
  load: {
    params: { engine: EngineName; modelDir: string; baseDtype?: BaseDtype };
    /** Parameters that have been read. */
    event: { done: number; total: number };
    result: LoadResult;
  };
  /** Replaces only A and B on the resident base; null means the plain base. */
  attach: { params: { adapterDir: string | null }; event: never; result: { switchMs: number } };
  /**
   * Merges adapters into the resident base's weights, in place of what was attached or merged before; `attach` takes
   * them out.
   */
  mergeInto: { params: { tasks: TaskDir[] }; event: never; result: { switchMs: number } };
  generate: { params: GenerateParams; event: AnswerPiece; result: GenerateResult };
  /**
   * The same prompt on the resident base with each of these adapters (null: the plain base), as one batch; events as
   * they come, results in that order.
   */
  compare: {
    params: GenerateParams & { adapterDirs: (string | null)[] };
    event: CompareEvent;
    result: GenerateResult[];
  };
  merge: {
    params: MergeParams;
    event: { done: number; total: number; phase: 'merge' | 'verify' };
    result: MergeResult;
  };
}
export type WorkerCallName = keyof WorkerCalls;

/** Main -> worker. `control` acts on a call that is under way. */
export type ToWorker =
  | { [K in WorkerCallName]: { kind: 'call'; id: number; name: K; params: WorkerCalls[K]['params'] } }[WorkerCallName]
  | { kind: 'control'; id: number; action: 'pause' | 'stop' };

/** Worker -> main. */
export type FromWorker =
  | { kind: 'event'; id: number; event: unknown }
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'error'; id: number; error: ErrorData };
