/** What the lab finds out about adapters (docs/lab.md). */
import type { BackendName } from './backends.ts';
import type { LoraSettings } from './methods/lora.ts';
import type { DataSpec, RunSpec } from './runSpec.ts';

export interface LabParams {
  engine: BackendName;
  modelDir: string;
  adapterDir: string;
}

/** Matrices. */
export interface LabProgress {
  done: number;
  total: number;
}

export interface Spectrum {
  /** Descending; of an update without factors, the 64 largest. */
  singularValues: number[];
  /** exp of the entropy of the values' shares (Roy & Vetterli 2007). */
  effectiveRank: number;
  /** ||dW||_F^2 / largest value squared. */
  stableRank: number;
  /** Share of ||dW||_F^2 in the first 1, 2, … values. */
  energy: number[];
}

export interface SpectrumResult {
  matrices: ({ name: string } & Spectrum)[];
}

export interface SimilarityParams extends LabParams {
  otherDir: string;
}

export interface SimilarityResult {
  pairs: {
    name: string;
    /** phi(i, j) of the right singular vectors of A, [i - 1][j - 1]. */
    a: number[][];
    /** The same of the left singular vectors of B. */
    b: number[][];
    /** Projection metric of the first min(i, j) directions; null where a side has none. */
    grassmannA: number | null;
    grassmannB: number | null;
    /** phi of Gaussian matrices of the same shapes: what chance gives. */
    randomA: number[][];
    randomB: number[][];
  }[];
  /** Layers that only one of the two changes. */
  onlyInOne: string[];
}

export interface AmplificationParams extends LabParams {
  /** Directions of each subspace; without it the adapter's largest rank. */
  top?: number;
}

export interface AmplificationResult {
  /** Directions of each subspace. */
  top: number;
  matrices: {
    name: string;
    /** ||dW||_F and ||W||_F. */
    deltaNorm: number;
    weightNorm: number;
    /** ||U^T W V^T||_F, U and V the first singular vectors of dW, of W, and of a Gaussian matrix. */
    inDelta: number;
    inWeight: number;
    inRandom: number;
    /** ||dW||_F / inDelta; null where dW is zero. */
    factor: number | null;
    /** Singular values that rounding alone cannot have made; null where only the largest are computed. */
    deltaRank: number | null;
    deltaEffectiveRank: number | null;
    /** Of W; null where its narrower side is above 1024. */
    weightRank: number | null;
    weightEffectiveRank: number | null;
    /** Which of W's directions those of dW resemble most, the first of dW first; null where W is too wide. */
    directions: { written: Resemblance; read: Resemblance }[] | null;
  }[];
}

export interface Resemblance {
  /** Of W's singular value, the largest being 0. */
  index: number;
  /** Absolute. */
  cosine: number;
}

/** Rows on which losses are measured: all of a file, or those that a run kept for validation. */
export interface LossData {
  data: DataSpec;
  heldOut?: { val: number; seed: number; hash?: string };
}

/** How much to keep of each update: so many ranks, a share of ||dW||_F^2, or as much as fits into a file of bytes. */
export type CompressRule = { rank: number } | { energy: number } | { bytes: number };

export interface CompressParams extends LabParams {
  /** New folder. */
  outDir: string;
  rule: CompressRule;
  /** Where losses are measured before and after; none where absent. */
  datasets?: LossData[];
}

export interface CompressResult {
  outDir: string;
  /** Of the weights' files. */
  bytesBefore: number;
  bytesAfter: number;
  matrices: {
    name: string;
    rank: number;
    /** Share of ||dW||_F^2. */
    energy: number;
  }[];
  /** ||dW - dW'||_F / ||dW||_F over all matrices. */
  relativeError: number;
  /** Largest difference of a logit between both adapters on a few texts, and the largest logit. */
  maxLogitDifference: number;
  maxLogit: number;
  losses: { file: string; before: number; after: number }[];
  /** What the new adapter lacks, or is otherwise than asked, a sentence each. */
  notes: string[];
}

/** How several updates become one (src-main/lab/compose.ts). */
export const COMPOSE_METHODS = ['linear', 'ties', 'dare', 'dare-ties', 'magnitude', 'peft-linear'] as const;
export type ComposeMethod = (typeof COMPOSE_METHODS)[number];

export interface ComposeParams extends Pick<LabParams, 'engine' | 'modelDir'> {
  /** Two or more, or one that is only scaled. */
  adapters: { dir: string; weight: number }[];
  method: ComposeMethod;
  density: number;
  /** Ranks that are kept of each matrix; absent: the sum of the adapters' ranks, with which a sum is exact. */
  rank?: number;
  /** Of what dare drops. */
  seed: number;
  /** New folder. */
  outDir: string;
  /** Where losses of each adapter and of the new one are measured; none where absent. */
  datasets?: LossData[];
}

export interface ComposeResult {
  outDir: string;
  bytes: number;
  matrices: {
    name: string;
    rank: number;
    /** Share of the combined ||dW||_F^2 that the rank keeps. */
    energy: number;
  }[];
  /** By dataset, of each adapter in the order given, and of the new one. */
  losses: { file: string; adapters: number[]; composed: number }[];
  /** What the new adapter lacks, or is otherwise than expected, a sentence each. */
  notes: string[];
}

export interface IntrudersParams extends LabParams {
  /** |cosine| below which a vector resembles none of W's. */
  epsilon: number;
  /** Singular vectors of W + dW that are looked at, the largest first. */
  top: number;
  /** New folder for the adapter without them. */
  outDir?: string;
}

export interface Intruder {
  /** Of the singular value of W + dW, the largest being 0. */
  index: number;
  singularValue: number;
  /** Largest |cosine| with any left singular vector of W. */
  cosine: number;
}

export interface IntrudersResult {
  epsilon: number;
  top: number;
  matrices: {
    name: string;
    intruders: Intruder[];
    /** Vectors that were looked at: top, or as many as the matrix has. */
    looked: number;
  }[];
  /** The adapter without them; absent where none was asked for, or there is no intruder. */
  written?: { outDir: string; bytes: number; notes: string[] };
}

/** The rate finder (src-main/lab/rateCurve.ts): `steps` steps, each at a rate higher by the same factor. */
export interface RateRange {
  from: number;
  to: number;
  steps: number;
}

export interface RateParams extends RateRange {
  spec: RunSpec;
}

export interface RateGridParams {
  spec: RunSpec;
  /** The middle one of the five rates that are compared. */
  around: number;
  /** Of each short run. */
  steps: number;
}

/** Optimiser steps. */
export interface RateProgress {
  done: number;
  total: number;
}

export interface RateCurve {
  /** Those that were tried; fewer than asked for where the loss broke away. */
  rates: number[];
  /** Training loss of the step at each rate, before its update; null where it was not finite. */
  losses: (number | null)[];
  /** Exponential moving average with bias correction; over a loss that was not finite the last one stays. */
  smoothed: number[];
  /** Null where the curve gives none. */
  proposal: number | null;
  /** One sentence: why this rate, or what to do where there is none. */
  reason: string;
  /** The rate at which the search ended early, since the loss had broken away. */
  stoppedAt: number | null;
}

/** Short runs at a few rates, each with the run's own schedule over so many steps. */
export interface RateGrid {
  steps: number;
  runs: {
    lr: number;
    /** After the last step; null where the run broke off, since its losses were not finite. */
    valLoss: number | null;
  }[];
  /** Of the untrained values. */
  initialValLoss: number;
  /** The rate of the lowest validation loss; null where none is below the initial one. */
  best: number | null;
  reason: string;
}

/** What a rank is worth (src-main/lab/allocate.ts). */
export const ADVICE_RULES = ['energy', 'nuclear', 'share'] as const;
export type AdviceRule = (typeof ADVICE_RULES)[number];

export interface AdviseParams {
  /** The run that would be started; its LoRA settings say the uniform ranks and the scale. */
  spec: RunSpec;
  /** Most trained values; absent: as many as the run's own ranks take. */
  budget?: number;
  rule: AdviceRule;
}

export interface AdviseResult {
  rule: AdviceRule;
  /** Trained values that were allowed, and that the proposal takes. */
  budget: number;
  used: number;
  /** LoRA with the proposed targets and ranks, each scale as it was. */
  method: LoraSettings;
  matrices: {
    name: string;
    /** `3.q`. */
    place: string;
    rank: number;
    /** ||G||_F of the first gradient; of large matrices of the part that was looked at. */
    gradientNorm: number;
    /** Descending, as many as ranks were possible. */
    singularValues: number[];
  }[];
}
