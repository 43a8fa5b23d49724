/** What a family's rules say about its GGUF files, beside what families/registry.ts makes of them. */
import type { ArchitectureSpec, ModelConfig } from '../../engine/model/architecture.ts';
import type { GgufValue } from '../header.ts';

/** How the values of a GGUF tensor come from those of its Hugging Face tensor, and back. */
export type Change =
  /** The matrix is turned. */
  | { type: 'transposed' }
  /** Whole rows in another order. Both functions map the number of a row. */
  | { type: 'rows'; hfRow: (ggufRow: number) => number; ggufRow: (hfRow: number) => number }
  /** In the GGUF every value is greater by `term`, and then, where there is one, `factor` times as large. */
  | { type: 'plus'; term: number; factor?: number }
  /** In the GGUF every value is `factor` times as large. */
  | { type: 'times'; factor: number };

/** A tensor of the file that no tensor of the checkpoint gives. */
export interface Constant {
  /** Its whole name in the GGUF. */
  gguf: string;
  values: Float32Array;
}

export interface GgufFamily {
  /** `general.architecture`, and the prefix of the other keys. */
  architecture: string;
  /** Hugging Face's names below the top, without prefix, `.weight` and `.bias`, and what GGUF calls them. */
  top: Record<string, string>;
  /** The same within a block. */
  block: Record<string, string>;
  /** Undefined: the values are the same. gguf: the name below its block, as `attn_q.weight`. */
  change?: (gguf: string, spec: ArchitectureSpec) => Change | undefined;
  /** Keys below the architecture beside those that all families have (registry.ts). */
  metadata?: (spec: ArchitectureSpec, config: ModelConfig) => Record<string, GgufValue>;
  constants?: (spec: ArchitectureSpec) => Constant[];
  /** Whether llama.cpp wants a head of its own even where it is the embedding. */
  untiedHeadOnly?: boolean;
  /** Biases that llama.cpp insists on; zeros stand in where the checkpoint has none. Names below a block. */
  biasesNeeded?: string[];
  /** What llama.cpp computes otherwise than the checkpoint says, a sentence each. */
  differences?: (spec: ArchitectureSpec, config: ModelConfig) => string[];
  /** Why llama.cpp cannot run this model; undefined: it can. */
  refusal?: (spec: ArchitectureSpec, config: ModelConfig) => string | undefined;
}
