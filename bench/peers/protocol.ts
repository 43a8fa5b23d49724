/** What a peer is asked and what it answers; graft.ts and torch_lora.py speak the same. */
import type { BaseDtype, EmbeddingDtype } from '../../src-shared/baseDtypes.ts';
import type { Target } from '../../src-shared/targets.ts';

/**
 * Token ids of one example; labels: the id where it carries loss, else -100. Never padded: each system batches itself.
 */
export interface Example {
  ids: number[];
  labels: number[];
}

export interface Setup {
  /** Relative to the peer's working folder, as every path here: the rival may see the files below another root. */
  modelDir: string;
  /** safetensors with `<layer>.<target>.lora_A` and `.lora_B` for every pair; Graft writes it, rivals read it. */
  initFile: string;
  /** `lora` on some layers, or `full`: every weight of the model, and `initFile` is not read. */
  method: 'lora' | 'full';
  /** Keep only the start of each block and compute the rest again for its gradient. */
  recompute: boolean;
  rank: number;
  alpha: number;
  train: { lr: number; clip: number; beta1: number; beta2: number; eps: number; weightDecay: number };
}

/** Which layers Graft adapts when it makes `initFile`, and how it keeps the frozen ones. */
export interface GraftSetup extends Setup {
  targets: Target[];
  base: BaseDtype;
  /** The same of embedding and head. */
  embedding: EmbeddingDtype;
}

/** Random adapters over the loaded base: one file per adapter, in the form of `initFile`. */
export interface AdaptersSetup {
  files: string[];
  targets: Target[];
  rank: number;
  alpha: number;
}

export interface StepAnswer {
  /** Mean over labelled tokens, before the update. */
  loss: number;
  gradNorm: number;
  ms: number;
}
export interface GenerateAnswer {
  /** Of several rows: those of the first, then those of the second … */
  ids: number[];
  ms: number;
}
export interface HelloAnswer {
  version: string;
  threads: number;
}
/** x (n, inner) times W (width, inner) transposed. */
export interface ProductSize {
  n: number;
  inner: number;
  width: number;
}
/** Causal, with as many keys as queries. */
export interface AttentionSize {
  batch: number;
  heads: number;
  kvHeads: number;
  length: number;
  /** Of one head. */
  width: number;
  backward: boolean;
}

export interface SetupAnswer {
  trainable: number;
}
export interface TimeAnswer {
  ms: number;
}
/** What a method leaves on disk: its result, and the values with the optimiser's moments to go on from. */
export interface SavedAnswer {
  resultBytes: number;
  resumeBytes: number;
}
/** Of one load of a base; `cpuMs`: of all threads, in user code and in the system. */
export interface PackAnswer extends TimeAnswer {
  cpuMs: number;
  weights: number;
}
export interface PeakAnswer {
  peakBytes: number;
}
