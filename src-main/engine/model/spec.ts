/** The types of an architecture and of the families that make one: the record that drives decoder.ts. */
import type { Target } from '../../../src-shared/targets.ts';

export type Family =
  | 'gpt2'
  | 'llama'
  | 'mistral'
  | 'qwen2'
  | 'qwen3'
  | 'gemma2'
  | 'gemma3_text'
  | 'olmo2'
  | 'smollm3'
  | 'granite'
  | 'phi3'
  | 'gpt_neox';

/** `out_in`: weight (out, in) as nn.Linear stores it. `in_out`: (in, out) as GPT-2's Conv1D stores it. */
export type LinearLayout = 'out_in' | 'in_out';

/** How rotary frequencies are stretched to longer texts (ropeScaling.ts). */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | { type: 'dynamic'; factor: number; originalMaxPositions: number }
  | {
      type: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositions: number;
    }
  | {
      type: 'yarn';
      factor: number;
      originalMaxPositions: number;
      betaFast: number;
      betaSlow: number;
      /** Whether the range of the ramp is widened to whole floats. */
      truncate: boolean;
      attentionFactor: number;
    }
  | {
      type: 'longrope';
      /** By what each frequency is divided, in texts of up to `originalMaxPositions` tokens and in longer ones. */
      shortFactors: number[];
      longFactors: number[];
      originalMaxPositions: number;
      attentionFactor: number;
    };

export interface ArchitectureSpec {
  family: Family;
  /** L, number of blocks. */
  layers: number;
  /** C, width of the residual stream. */
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width of the MLP's inner layer. */
  intermediate: number;
  vocab: number;
  maxPositions: number;
  norm: 'layer' | 'rms';
  normEps: number;
  /** RMSNorm multiplies by 1 + its weight. */
  normPlusOne?: boolean;
  /** Attention and MLP are normed once more on their way into the residual stream. */
  postNorms?: boolean;
  /** Queries and keys are normed, `each` head by itself, or `all` of a token's heads as one vector. */
  qkNorm?: 'each' | 'all';
  /** Attention and MLP both read the input of the block: x + attn(ln1 x) + mlp(ln2 x). */
  parallelResidual?: boolean;
  positions: 'learned' | 'rotary';
  ropeTheta: number;
  ropeScaling?: RopeScaling;
  /** In these layers positions turn by frequencies of their own. */
  localRope?: { theta: number; scaling?: RopeScaling; layers: number[] };
  /** Layers without positions, in a model that has rotary ones elsewhere. */
  noRope?: number[];
  /** How many floats of each head turn, the first ones; absent: all. */
  rotaryDim?: number;
  /** In these layers a query sees only the last `size` tokens, its own included. */
  slidingWindow?: { size: number; layers: number[] };
  /** Factor of the scores; absent: 1/sqrt(headDim). */
  attentionScale?: number;
  /** Scores s become c·tanh(s/c). */
  attentionCap?: number;
  /** Logits z become c·tanh(z/c). */
  logitCap?: number;
  /** Factor of the token embeddings. */
  embeddingScale?: number;
  /** Factor of what attention and MLP add to the residual stream. */
  residualScale?: number;
  /** Logits are divided by it. */
  logitsScaling?: number;
  /**
   * One matrix makes q, k and v: all queries, then all keys, then all values; or the three of each head side by side.
   */
  fusedQkv?: 'blocks' | 'heads';
  /** `gelu` is its tanh form; the last two gate the inner layer. */
  mlp: 'gelu' | 'gelu_exact' | 'swiglu' | 'geglu';
  /** Whether lm_head is the embedding matrix. */
  tiedHead: boolean;
  layout: LinearLayout;
  /** Prefix of every tensor name below the top (`transformer.`, `model.`). */
  prefix: string;
  /** The model is the text part of a multimodal release (multimodal.ts), whose other parts stay as they are. */
  multimodal?: true;
  bosTokenId?: number;
  eosTokenIds: number[];
}

/** One linear layer of the model: its tensors in the file and the targets that can adapt it. */
export interface LinearModule {
  layer: number;
  target: Target;
  /** PEFT's module path below `base_model.model.`, e.g. `model.layers.0.self_attn.q_proj`. */
  module: string;
  /** Name of the last part(s) used in PEFT's `target_modules`, e.g. `q_proj` or `attn.c_proj`. */
  peftName: string;
  weight: string;
  bias?: string;
  inFeatures: number;
  outFeatures: number;
  layout: LinearLayout;
  /** For a part of a fused matrix: which output columns of `weight` it is. */
  slice?: { start: number; end: number };
}

/** Names of a family's tensors: below the prefix, except the head; norms below their block, without `.weight`. */
export interface TensorNames {
  embedding: string;
  positions?: string;
  head: string;
  /** Path of the list of blocks. */
  blocks: string;
  /** Absent where a block reads the residual stream itself. */
  beforeAttention?: string;
  afterAttention?: string;
  beforeMlp?: string;
  afterMlp?: string;
  finalNorm: string;
  /** Of q and k, where they are normed. */
  qkNorm?: [string, string];
}

/** What the rest needs to know about a family. */
export interface FamilyRules {
  /** Throws GraftError BAD_CONFIG. */
  spec(config: ModelConfig): ArchitectureSpec;
  /** The linear layers of a block in the order of the forward pass; a fused one comes before its parts. */
  modules(spec: ArchitectureSpec, layer: number): LinearModule[];
  names: TensorNames;
  /** Whether a linear layer must have its bias; one that is in the file is used anyway. */
  biasRequired(target: Target, config: ModelConfig): boolean;
}

/** A parsed config.json. */
export type ModelConfig = Record<string, unknown>;
