/** Merging adapters into a base model of its own, and the certificate that it computes the same. */
import type { BackendName } from './backends.ts';
import type { RunSpec } from './runSpec.ts';

/** What a second, plain reader finds in an export beside its source and the adapters (src-main/recheck). */
export interface IndependentReading {
  /** In the export: all, those byte for byte as in the source, those only rounded to another type, those adapted. */
  tensors: number;
  unchanged: number;
  cast: number;
  changed: number;
  /** Values of the last two kinds that were computed again in float64; each must be the nearest of its type. */
  valuesChecked: number;
  /** Fields of config.json and generation_config.json that were compared as they are written. */
  fields: number;
  /** Those that differ, as they were meant to: `config.json: torch_dtype`. */
  changedFields: string[];
  /** Other small files that are byte for byte as in the source. */
  files: number;
  /** What is not as it should be, in words. */
  problems: string[];
  passed: boolean;
}

/** Written beside an export as `parity.json`, and returned. */
export interface ParityCertificate {
  prompts: number;
  tokensCompared: number;
  maxLogitDifference: number;
  /** Largest magnitude of the reference logits, for scale. */
  maxLogit: number;
  equalGreedyShare: number;
  /** `rounding` with its margin, and what float32 sums in another order may add. */
  tolerance: number;
  /**
   * What rounding to the types of the export does to the logits of base + adapter, measured. Older certificates, whose
   * tolerance was a constant of the type, lack it.
   */
  rounding?: number;
  /** Older certificates lack it. */
  reading?: IndependentReading;
  dtype: 'f32' | 'f16' | 'bf16';
  /** Whether the logits are within the tolerance and the reading found no problem. */
  passed: boolean;
  /** The export was wanted even with a certificate that has failed. */
  keptDespiteFailure?: true;
  engine: BackendName;
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
  engine: BackendName;
  modelDir: string;
  /** The adapter that is merged as it is, or base + sum of scale·adapter. */
  adapterDir: string;
  /** Present: all adapters with their scales; `adapterDir` is the first of them. */
  tasks?: TaskDir[];
  outDir: string;
  /** Undefined: the base's own dtype. */
  dtype?: 'f32' | 'f16' | 'bf16';
  /** Splits the weights into files of at most so many bytes of tensors; undefined: as in the base. */
  maxShardBytes?: number;
  /** Keeps an export whose certificate fails, marked as such. */
  allowFailedCertificate?: boolean;
  /** The run's data, whose validation rows serve as held-out prompts; without it fixed texts do. */
  heldOut?: { data: RunSpec['data']; val: number; seed: number };
}

export interface UnmergeParams {
  /** The merged model; only read. */
  mergedDir: string;
  adapterDir: string;
  /** The base before merging, when it is at hand: the result is compared with it. */
  originalDir?: string;
  outDir: string;
}

export interface UnmergeResult {
  files: string[];
  sizeBytes: number;
  /** Largest |difference| of any weight to the original; null when no original was given. */
  maxDifference: number | null;
}

export interface MergeResult {
  outDir: string;
  files: string[];
  sizeBytes: number;
  sha256: string;
  certificate: ParityCertificate;
}
