/** What is known of a GGUF file before a user gets it: read back, and run by llama.cpp. */

/** What a second, plain reader finds in the file beside its source and the adapters (src-main/recheck/gguf). */
export interface GgufReading {
  tensors: number;
  /** Tensors by number format, the most frequent first. */
  types: Record<string, number>;
  sizeBytes: number;
  /** Metadata keys that were compared with config.json. */
  keysChecked: number;
  /** Values that were computed again in float64; each must be within the rounding of its block. */
  valuesChecked: number;
  /**
   * How much of the adapters' update the rounded weights hold, by least squares: 1 is all of it. Null where no adapter
   * changes a matrix.
   */
  updateShare: number | null;
  /** Standard error of `updateShare`: what rounding alone may make of it. */
  updateShareError: number | null;
  /** What is not as it should be, in words. */
  problems: string[];
  passed: boolean;
}

/** What llama.cpp computes of the file, beside base + adapter in Graft's engine, on the held-out prompts. */
export interface GgufRun {
  prompts: number;
  tokensCompared: number;
  /** Mean Kullback-Leibler divergence of the file's next-token distribution from that of base + adapter, in nats. */
  kl: number;
  maxKl: number;
  /** Largest mean divergence that passes. */
  klBound: number;
  /** Of the greedy continuations. */
  equalGreedyShare: number;
  /** Of the held-out texts, by the file and by base + adapter. */
  perplexity: number;
  referencePerplexity: number;
  /** Texts that were tokenised by both, and those with the same ids. */
  texts: number;
  equalTexts: number;
  problems: string[];
  passed: boolean;
}

export interface GgufCertificate {
  /** Null for an adapter by itself, which has no model to be read beside. */
  reading: GgufReading | null;
  /** Null where llama.cpp is not installed. */
  run: GgufRun | null;
  passed: boolean;
  /** The export was wanted even with a certificate that has failed. */
  keptDespiteFailure?: true;
}
