/** The config.json of published models, as far as it says anything about shapes and mathematics. */
import type { ModelConfig } from '../../src-main/engine/model/architecture.ts';

interface Widths {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediate: number;
  vocabulary: number;
  positions: number;
}

function config(model_type: string, widths: Widths, more: ModelConfig): ModelConfig {
  return {
    model_type,
    num_hidden_layers: widths.layers,
    hidden_size: widths.hidden,
    num_attention_heads: widths.heads,
    num_key_value_heads: widths.kvHeads,
    head_dim: widths.headDim,
    intermediate_size: widths.intermediate,
    vocab_size: widths.vocabulary,
    max_position_embeddings: widths.positions,
    torch_dtype: 'bfloat16',
    hidden_act: 'silu',
    ...more,
  };
}

const llama = { rms_norm_eps: 1e-5, rope_theta: 500000 };
/** Llama 3.2 stretches its positions; Llama 3 does not. */
const stretched = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const llama32 = { ...llama, rope_scaling: stretched, tie_word_embeddings: true };

export const BIG_CONFIGS = {
  'tinyllama-1.1b': config(
    'llama',
    {
      layers: 22,
      hidden: 2048,
      heads: 32,
      kvHeads: 4,
      headDim: 64,
      intermediate: 5632,
      vocabulary: 32000,
      positions: 2048,
    },
    { rms_norm_eps: 1e-5, rope_theta: 10000, tie_word_embeddings: false },
  ),
  'llama-3.2-1b': config(
    'llama',
    {
      layers: 16,
      hidden: 2048,
      heads: 32,
      kvHeads: 8,
      headDim: 64,
      intermediate: 8192,
      vocabulary: 128256,
      positions: 131072,
    },
    llama32,
  ),
  'llama-3.2-3b': config(
    'llama',
    {
      layers: 28,
      hidden: 3072,
      heads: 24,
      kvHeads: 8,
      headDim: 128,
      intermediate: 8192,
      vocabulary: 128256,
      positions: 131072,
    },
    llama32,
  ),
  'llama-3-8b': config(
    'llama',
    {
      layers: 32,
      hidden: 4096,
      heads: 32,
      kvHeads: 8,
      headDim: 128,
      intermediate: 14336,
      vocabulary: 128256,
      positions: 8192,
    },
    { ...llama, tie_word_embeddings: false },
  ),
  'qwen2.5-7b': config(
    'qwen2',
    {
      layers: 28,
      hidden: 3584,
      heads: 28,
      kvHeads: 4,
      headDim: 128,
      intermediate: 18944,
      vocabulary: 152064,
      positions: 32768,
    },
    { rms_norm_eps: 1e-6, rope_theta: 1000000, tie_word_embeddings: false, use_sliding_window: false },
  ),
  'gemma-2-9b': config(
    'gemma2',
    {
      layers: 42,
      hidden: 3584,
      heads: 16,
      kvHeads: 8,
      headDim: 256,
      intermediate: 14336,
      vocabulary: 256000,
      positions: 8192,
    },
    {
      rms_norm_eps: 1e-6,
      rope_theta: 10000,
      hidden_act: 'gelu_pytorch_tanh',
      hidden_activation: 'gelu_pytorch_tanh',
      query_pre_attn_scalar: 256,
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
      sliding_window: 4096,
      tie_word_embeddings: true,
    },
  ),
  /** For trying out that everything runs. */
  tiny: config(
    'llama',
    { layers: 3, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, intermediate: 128, vocabulary: 512, positions: 512 },
    { rms_norm_eps: 1e-5, rope_theta: 10000, tie_word_embeddings: false },
  ),
} satisfies Record<string, ModelConfig>;

export type BigShape = keyof typeof BIG_CONFIGS;
export const BIG_SHAPES = Object.keys(BIG_CONFIGS) as BigShape[];
