/** What the lab finds out about adapters (docs/lab.md). */
import type { BackendName } from './backends.ts';
import type { LoraSettings } from './methods/lora.ts';
import type { RunSpec } from './runSpec.ts';

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
  }[];
}

/** How much to keep of each update: so many ranks, a share of ||dW||_F^2, or as much as fits into bytes of float32. */
export type CompressRule = { rank: number } | { energy: number } | { bytes: number };

export interface CompressParams extends LabParams {
  /** New folder. */
  outDir: string;
  rule: CompressRule;
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
}

/** How several updates become one (src-main/lab/compose.ts). */
export const COMPOSE_METHODS = ['linear', 'ties', 'dare', 'dare-ties', 'magnitude'] as const;
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
