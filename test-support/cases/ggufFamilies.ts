/** A small model of every family that llama.cpp has, and what LoRA adapts in it. */
import type { ModelConfig } from '../../src-main/engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import { TINY_GEMMA3 } from '../fixtures/multimodal.ts';
import { TINY_GPT2, TINY_LLAMA } from '../fixtures/tinyModel.ts';

export const SEVEN: Target[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
export const FAMILIES: [string, ModelConfig, Target[]][] = [
  ['llama', { ...TINY_LLAMA, attention_bias: true }, SEVEN],
  ['qwen2', { ...TINY_LLAMA, model_type: 'qwen2' }, SEVEN],
  ['qwen3', { ...TINY_LLAMA, model_type: 'qwen3', head_dim: 6 }, SEVEN],
  [
    'gemma2',
    {
      ...TINY_LLAMA,
      model_type: 'gemma2',
      hidden_act: 'gelu_pytorch_tanh',
      head_dim: 6,
      query_pre_attn_scalar: 5,
      sliding_window: 4,
      attn_logit_softcapping: 4,
      final_logit_softcapping: 8,
    },
    SEVEN,
  ],
  ['gemma3', TINY_GEMMA3, SEVEN],
  ['olmo2', { ...TINY_LLAMA, model_type: 'olmo2', tie_word_embeddings: false }, SEVEN],
  ['smollm3', { ...TINY_LLAMA, model_type: 'smollm3', num_hidden_layers: 4 }, SEVEN],
  [
    'granite',
    {
      ...TINY_LLAMA,
      model_type: 'granite',
      embedding_multiplier: 3,
      attention_multiplier: 0.3,
      residual_multiplier: 0.7,
      logits_scaling: 2,
    },
    SEVEN,
  ],
  ['phi3', { ...TINY_LLAMA, model_type: 'phi3' }, ['qkv', 'o', 'gate_up', 'down']],
  ['gpt2', TINY_GPT2, ['qkv', 'o', 'fc', 'proj']],
  [
    'gpt_neox',
    { ...TINY_LLAMA, model_type: 'gpt_neox', hidden_act: 'gelu', rotary_pct: 0.5, tie_word_embeddings: false },
    ['qkv', 'o', 'fc', 'proj'],
  ],
];
