/** What a run would come to before it starts: rows, steps, and memory by part, predicted or measured. */
import type { KeptTemplate } from './promptTemplates.ts';
import type { UnusedField } from './datasets.ts';
import type { BackendName } from './backends.ts';
import type { BaseDtype, EmbeddingDtype } from './baseDtypes.ts';
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

/** Memory of a graphics card. */
export interface CardMemory {
  totalBytes: number;
  /** Held by other programs and the system; null: not told. */
  usedBytes: number | null;
  /** Where the figures come from, in words. */
  source: string;
}

/** Where a run would run. */
export interface Room {
  /** On a graphics card. */
  gpu: boolean;
  /** Of that card; null: not known. */
  card: CardMemory | null;
  /** The largest buffer that the engine computes with; absent where only memory sets a limit. */
  bindingBytes?: number | undefined;
}

/** The memory that a run can have. */
export interface MemoryRoom {
  /** Of the card, or of the machine or its container. */
  totalBytes: number;
  /** Held by others now; null: not told. */
  heldBytes: number | null;
  /** What is left for this run. */
  freeBytes: number;
  /** What the run could have if all others made room. */
  mostBytes: number;
  source: string;
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
  /** All counts are in proportion to those of so many rows, as the file is large and not tokenised yet; else null. */
  sampledRows: number | null;
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
  /** Null where nothing is known of a card. */
  room: MemoryRoom | null;
  verdict: Verdict;
  /** Total with gradient checkpointing, where the run does not fit without; else null. */
  checkpointingBytes: number | null;
  /** Questions of the first validation rows. */
  samplePrompts: string[];
  /** How questions are put; null where nothing was chosen. */
  promptTemplate: KeptTemplate['name'] | null;
  /** The first row as the model reads it. */
  firstRow: { prompt: string; answer: string } | null;
  /** What the run is likely to come to nothing by, a sentence each. */
  warnings: string[];
}

/** The settings that Graft may choose so that a run fits: what they change of the result is told by `lossError`. */
export interface FitSettings {
  baseDtype: BaseDtype;
  embeddingDtype: EmbeddingDtype;
  batch: number;
  /** Rows of a step are batch x accumulate, as they were asked for. */
  accumulate: number;
  gradientCheckpointing: boolean;
  /** Tokens; shorter than asked for only where nothing else helps. */
  maxLength: number;
}

/** Of these, what a user may want to keep; accumulation goes with the batch. */
export const FIT_PARTS = [
  'baseDtype',
  'embeddingDtype',
  'batch',
  'gradientCheckpointing',
  'maxLength',
] as const satisfies readonly (keyof FitSettings)[];
export type FitPart = (typeof FIT_PARTS)[number];

/** The mildest settings with one form of the base that fit; the smallest ones where none do. */
export interface FitRow extends FitSettings {
  totalBytes: number;
  fits: boolean;
  /** Time of a step beside the run as it was asked for, about, from computing blocks again. */
  slower: number;
  /** Validation loss beside float32, as docs/engines.md measures it. */
  lossError: number;
}

export interface FitResult {
  limitBytes: number | null;
  /** As it was asked for, and whether the card can bind every buffer of it. */
  asked: FitSettings & { totalBytes: number; binds: boolean };
  /** What to run with; null where nothing fits without changing what is kept, or no limit is known. */
  chosen: FitRow | null;
  /**
   * By form, in the order in which Graft prefers them; only as far as was looked. Where nothing is chosen, what would
   * fit if nothing were kept.
   */
  rows: FitRow[];
}

/** What a model's needs are told for: an answer of so many tokens, and LoRA with the defaults on full batches. */
export const NEEDS = { inferenceTokens: 1024, rows: TRAIN_DEFAULTS.batch, rowTokens: LOSS_DEFAULTS.maxLength };

export interface ModelNeeds {
  engine: BackendName;
  /** Weights, keys and values of that many tokens, and the engine itself. */
  inferenceBytes: number;
  trainingBytes: number;
}

/** In which form a model that is not here yet could be trained on this machine, and what that takes at the least. */
export interface ModelFit {
  baseDtype: BaseDtype;
  embeddingDtype: EmbeddingDtype;
  totalBytes: number;
  verdict: Verdict;
  /** Of a graphics card; else of the machine. */
  gpu: boolean;
  /** Null where nothing is known of a card. */
  room: MemoryRoom | null;
}
