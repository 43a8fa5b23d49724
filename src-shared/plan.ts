/** What a run would come to before it starts: rows, steps, and memory by part, predicted or measured. */
import type { UnusedField } from './datasets.ts';
import type { BackendName } from './backends.ts';
import { LOSS_DEFAULTS } from './settings/data.ts';
import { TRAIN_DEFAULTS } from './settings/training.ts';
import type { LengthStats } from './tokens.ts';

/** What a run takes, before it starts; `totalBytes` is the sum of the parts. */
export interface MemoryEstimate {
  engine: BackendName;
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
  engine: BackendName;
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
  /** What the run's log would say of model and data: rows left out, fields not used, where rows are cut. */
  notes: string[];
  /** What the run is likely to come to nothing by, a sentence each. */
  warnings: string[];
}

/** Where a run would run. */
export interface Room {
  /** On a graphics card. */
  gpu: boolean;
  /** Memory of that card; null: not known. */
  cardBytes: number | null;
}

export type Verdict = 'fits' | 'tight' | 'does not fit' | 'unknown';

export interface PlanResult {
  engine: BackendName;
  trainRows: number;
  valRows: number;
  /** Left out because they cannot be read, and in words: the first of them with line and reason. */
  badRows: number;
  badRowsText: string;
  /** Tokens per row. */
  lengths: LengthStats;
  /** Most tokens of a row that the model takes, the virtual tokens of the method aside. */
  modelLength: number;
  /** What the rows say and training does not use. */
  unused: UnusedField[];
  /** Rows whose text spells out control tokens of the model. */
  controlTokenRows: number;
  /** Tokens of all training rows. */
  tokensPerEpoch: number;
  totalSteps: number;
  /** The micro-batch with the most tokens. */
  longest: { rows: number; tokens: number; longestRow: number };
  estimate: MemoryEstimate;
  /** Null: this engine does not say. */
  limitBytes: number | null;
  verdict: Verdict;
  /** Total with gradient checkpointing, where the run does not fit without; else null. */
  checkpointingBytes: number | null;
  /** Prompts of the first validation rows. */
  samplePrompts: string[];
  /** What the run is likely to come to nothing by, a sentence each. */
  warnings: string[];
}

/** What a model's needs are told for: an answer of so many tokens, and LoRA with the defaults on full batches. */
export const NEEDS = { inferenceTokens: 1024, rows: TRAIN_DEFAULTS.batch, rowTokens: LOSS_DEFAULTS.maxLength };

export interface ModelNeeds {
  engine: BackendName;
  /** Weights, keys and values of that many tokens, and the engine itself. */
  inferenceBytes: number;
  trainingBytes: number;
}
