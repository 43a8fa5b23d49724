/** Merging adapters into a base model of its own, and the certificate that it computes the same. */
import type { BackendName } from './backends.ts';
import type { RunSpec } from './runSpec.ts';

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
