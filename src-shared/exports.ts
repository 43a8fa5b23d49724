/** Adapters on their way out of Graft: merged into their base or by themselves, and the proof that it is the same. */
import type { BackendName } from './backends.ts';
import type { DatasetKind } from './datasets.ts';
import type { GgufCertificate } from './ggufCertificate.ts';
import type { RunSpec } from './runSpec.ts';

/**
 * What can be written. `hf`, `gguf`, `ollama` and `lmstudio` are whole models, base and adapters in one; `lora-gguf`,
 * `mlx` and `peft` are the adapter by itself.
 */
export const EXPORT_FORMATS = ['ollama', 'lmstudio', 'gguf', 'hf', 'peft', 'lora-gguf', 'mlx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Types of the weights of a GGUF as llama.cpp names them, the exact ones first. */
export const QUANTISATIONS = ['F32', 'F16', 'BF16', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q4_K_M', 'Q4_0'] as const;
export type Quantisation = (typeof QUANTISATIONS)[number];

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
  /** Of several adapters the first; empty where there is none. */
  adapterSha256: string;
  /** Present where adapters were merged with scales; empty: the model as it is. */
  tasks?: { adapterSha256: string; scale: number }[];
  baseHash: string;
  createdAt: string;
}

/** One GGUF of a whole model. */
export interface WrittenGguf {
  /** Relative to the export's folder. */
  file: string;
  quantise: Quantisation;
  sizeBytes: number;
  sha256: string;
  certificate: GgufCertificate;
}

/** Written as the certificate of the GGUF files of one export. */
export interface GgufParity {
  ggufs: WrittenGguf[];
  /** Whether every certificate has passed. */
  passed: boolean;
  keptDespiteFailure?: true;
  /** Of several adapters the first; empty where there is none. */
  adapterSha256: string;
  /** As in ParityCertificate. */
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
  /** The adapter that is merged as it is, or base + sum of scale·adapter; empty where there is none. */
  adapterDir: string;
  /** Present: all adapters with their scales, `adapterDir` being the first of them; empty: the model as it is. */
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

/** A whole model as GGUF files. */
export interface GgufExportParams extends Omit<MergeParams, 'dtype' | 'maxShardBytes'> {
  format: 'gguf' | 'ollama' | 'lmstudio';
  quantise: Quantisation[];
  /** Of a model as it is: kind of the rows that it was trained on, where that is known. */
  rows?: DatasetKind;
}

export interface GgufExportResult extends Omit<MergeResult, 'certificate'> {
  ggufs: WrittenGguf[];
}

/** The adapter by itself in the format of another runtime. */
export interface AdapterExportParams {
  format: 'lora-gguf' | 'mlx';
  modelDir: string;
  adapterDir: string;
  /** The new folder, or file (isOneFile). */
  outDir: string;
}

export type AdapterExportResult = Omit<MergeResult, 'certificate'>;

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
