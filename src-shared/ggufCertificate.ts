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
  /**
   * The same from the same file in Graft's engine, for quantised ones: without what the rounding of the weights costs,
   * which `kl` tells, so that a file which llama.cpp understands otherwise shows. Null for F32, F16 and BF16.
   */
  fileKl: number | null;
  /** Largest mean divergence that passes: of `fileKl` where there is one, else of `kl`. */
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
  /** Of the model, or of an adapter that acts on one at run time. */
  reading: GgufReading;
  /** Null where llama.cpp is not installed. */
  run: GgufRun | null;
  passed: boolean;
  /** The export was wanted even with a certificate that has failed. */
  keptDespiteFailure?: true;
}
