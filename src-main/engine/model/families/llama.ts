/**
 * The Llama family (Touvron et al. 2023): RMSNorm, rotary positions, grouped-query attention, SwiGLU. Mistral, Qwen2
 * and Qwen3 differ only in fields read here and in the norms of Qwen3's heads; biases are used where the checkpoint has
 * them.
 */
import type { ArchitectureSpec, Family, FamilyRules, LinearModule, ModelConfig } from '../spec.ts';
import { headFields, windowFields } from './attentionFields.ts';
import {
  badConfig,
  finiteNumber,
  layerCount,
  positiveInteger,
  refuseOtherMaths,
  requireOneOf,
  textEnds,
  wholeNumber,
} from './fields.ts';
import { linearMaker } from './modules.ts';
import { ropeFields } from './ropeFields.ts';

export const llamaFamily: FamilyRules = {
  spec: llamaArchitecture,
  modules: llamaModules,
  names: {
    embedding: 'embed_tokens.weight',
    head: 'lm_head.weight',
    blocks: 'layers',
    beforeAttention: 'input_layernorm',
    beforeMlp: 'post_attention_layernorm',
    finalNorm: 'norm',
    qkNorm: ['self_attn.q_norm', 'self_attn.k_norm'],
  },
  biasRequired: (target, config) => {
    const inMlp = target === 'gate' || target === 'up' || target === 'down';
    if (config['model_type'] === 'qwen2') return !inMlp && target !== 'o';
    return config[inMlp ? 'mlp_bias' : 'attention_bias'] === true;
  },
};

function llamaArchitecture(config: ModelConfig): ArchitectureSpec {
  const isQwen3 = config['model_type'] === 'qwen3';
  const spec = llamaLike(config, { headDim: isQwen3 ? 128 : undefined, windowed: usualWindows(config) });
  return isQwen3 ? { ...spec, qkNorm: 'each' } : spec;
}

/** What transformers takes for what a config.json leaves out, and which layers have a sliding window then. */
interface Usual {
  headDim?: number | undefined;
  maxPositions?: number;
  normEps?: number;
  theta?: number;
  tied?: boolean;
  windowed?: (layer: number) => boolean;
  /** Fields of config.json that the family computes beside those of Llama. */
  reads?: readonly string[];
}

/** What all families that are built like Llama have in common. */
export function llamaLike(config: ModelConfig, usual: Usual): ArchitectureSpec {
  const { maxPositions: usualLength = 2048, normEps = 1e-6, theta: usualTheta = 10000, tied = false } = usual;
  const hidden = positiveInteger(config, 'hidden_size');
  const layers = layerCount(config, 'num_hidden_layers');
  const heads = headFields(config, hidden, { headDim: usual.headDim });
  if (heads.headDim % 2 !== 0) throw badConfig('head_dim', heads.headDim, 'rotary positions need an even number');
  requireOneOf(config, 'hidden_act', ['silu', 'swish']);
  refuseOtherMaths(config, usual.reads);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', usualLength);
  return {
    family: config['model_type'] as Family,
    layers,
    hidden,
    ...heads,
    intermediate: positiveInteger(config, 'intermediate_size'),
    vocab: positiveInteger(config, 'vocab_size'),
    norm: 'rms',
    normEps: finiteNumber(config, 'rms_norm_eps', normEps),
    positions: 'rotary',
    ...ropeFields(config, { dim: heads.headDim, maxPositions, usualTheta }),
    ...windowFields(config, { layers, maxPositions, usual: usual.windowed ?? (() => false) }),
    mlp: 'swiglu',
    tiedHead: (config['tie_word_embeddings'] ?? tied) === true,
    layout: 'out_in',
    prefix: 'model.',
    ...textEnds(config),
  };
}

/**
 * Mistral's window holds for every layer unless it is null; that of Qwen2 and Qwen3 only with use_sliding_window, from
 * max_window_layers on. What is absent is what transformers takes it for.
 */
function usualWindows(config: ModelConfig): (layer: number) => boolean {
  const type = config['model_type'];
  if (type === 'mistral') return () => true;
  if (type === 'llama' || config['use_sliding_window'] !== true) return () => false;
  const first = wholeNumber(config, 'max_window_layers', 28);
  return (layer) => layer >= first;
}

/** Also those of Gemma 2 and 3, whose linear layers have the same names. */
export function llamaModules(spec: ArchitectureSpec, layer: number): LinearModule[] {
  const { hidden: C, intermediate: F } = spec;
  const qOut = spec.heads * spec.headDim;
  const kvOut = spec.kvHeads * spec.headDim;
  const make = linearMaker(layer, `${spec.prefix}layers.${layer}.`);
  return [
    make('q', 'self_attn.q_proj', C, qOut),
    make('k', 'self_attn.k_proj', C, kvOut),
    make('v', 'self_attn.v_proj', C, kvOut),
    make('o', 'self_attn.o_proj', qOut, C),
    make('gate', 'mlp.gate_proj', C, F),
    make('up', 'mlp.up_proj', C, F),
    make('down', 'mlp.down_proj', F, C),
  ];
}
