/**
 * What a decoder-only transformer looks like, independent of any checkpoint file format library.
 * One model (decoder.ts) is driven by this record; families/*.ts map a config.json onto it.
 */
import { TARGETS, type Target } from '../../../src-shared/targets.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { gemma2Family } from './families/gemma2.ts';
import { gpt2Family } from './families/gpt2.ts';
import { gptNeoxFamily } from './families/gptNeox.ts';
import { llamaFamily } from './families/llama.ts';
import { phi3Family } from './families/phi3.ts';

export type Family = 'gpt2' | 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma2' | 'phi3' | 'gpt_neox';

/** `out_in`: weight (out, in) as nn.Linear stores it. `in_out`: (in, out) as GPT-2's Conv1D stores it. */
export type LinearLayout = 'out_in' | 'in_out';

export interface RopeScaling {
  type: 'llama3';
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPositions: number;
}

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
  /** Queries and keys are normed, each head by itself. */
  qkNorm?: boolean;
  /** Attention and MLP both read the input of the block: x + attn(ln1 x) + mlp(ln2 x). */
  parallelResidual?: boolean;
  positions: 'learned' | 'rotary';
  ropeTheta: number;
  ropeScaling?: RopeScaling;
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
  beforeAttention: string;
  afterAttention?: string;
  beforeMlp: string;
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

const FAMILIES: Record<Family, FamilyRules> = {
  gpt2: gpt2Family,
  llama: llamaFamily,
  mistral: llamaFamily,
  qwen2: llamaFamily,
  qwen3: llamaFamily,
  gemma2: gemma2Family,
  phi3: phi3Family,
  gpt_neox: gptNeoxFamily,
};

export function familyRules(family: Family): FamilyRules {
  return FAMILIES[family];
}

export const SUPPORTED_MODEL_TYPES = Object.keys(FAMILIES);

/**
 * Maps config.json onto an ArchitectureSpec.
 * Throws GraftError UNKNOWN_ARCHITECTURE naming the supported families, or BAD_CONFIG naming the field that did not
 * fit.
 */
export function architectureFromConfig(config: ModelConfig): ArchitectureSpec {
  const type = config['model_type'];
  if (typeof type !== 'string' || !Object.hasOwn(FAMILIES, type)) {
    throw new GraftError(
      'UNKNOWN_ARCHITECTURE',
      `config.json names model_type ${JSON.stringify(type ?? null)}, which Graft cannot run; choose a ` +
        `checkpoint of one of: ${SUPPORTED_MODEL_TYPES.join(', ')}.`,
      { modelType: type ?? null, supported: SUPPORTED_MODEL_TYPES },
    );
  }
  return FAMILIES[type as Family].spec(config);
}

/** How many tokens a query of this layer sees, itself included; 0: all before it. */
export function windowOf({ slidingWindow }: ArchitectureSpec, layer: number): number {
  return slidingWindow?.layers.includes(layer) ? slidingWindow.size : 0;
}

/** The linear modules that LoRA can adapt, layer by layer, in the order of the forward pass. */
export function linearModules(spec: ArchitectureSpec): LinearModule[] {
  const { modules } = FAMILIES[spec.family];
  return Array.from({ length: spec.layers }, (_, layer) => modules(spec, layer)).flat();
}

/** Targets that exist in this model, e.g. q, k, v, o, gate, up, down for the Llama family. */
export function availableTargets(spec: ArchitectureSpec): Target[] {
  const own = new Set(FAMILIES[spec.family].modules(spec, 0).map(({ target }) => target));
  return TARGETS.filter((target) => own.has(target));
}
