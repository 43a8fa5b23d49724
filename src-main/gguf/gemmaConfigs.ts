/** The config.json of Gemma 2 and 3 out of a GGUF file. */
import type { ModelConfig } from '../engine/model/architecture.ts';
import type { ArchitectureFields } from './architectureFields.ts';
import { float, llamaLike } from './llamaLikeConfig.ts';

/** llama.cpp knows the factor of the scores by the size of the model. */
const LAYERS_OF_27B = 46;

/** What families/gemma2.ts writes for none. */
const NO_CAP = 1e6;

export function gemma2(fields: ArchitectureFields): ModelConfig {
  const common = llamaLike(fields, 'gemma2', 'Gemma2ForCausalLM');
  const { hidden_size: hidden, num_attention_heads: heads, head_dim: headDim, num_hidden_layers: layers } = common;
  const cap = (key: string, usual: number): number | null => {
    const value = fields.number(key) ?? usual;
    return value >= NO_CAP ? null : float(value);
  };
  return {
    ...common,
    // The embedding is the head; a copy of it in the file is compared.
    tie_word_embeddings: true,
    hidden_act: 'gelu_pytorch_tanh',
    hidden_activation: 'gelu_pytorch_tanh',
    query_pre_attn_scalar: layers === LAYERS_OF_27B ? (hidden as number) / (heads as number) : headDim,
    attn_logit_softcapping: cap('attn_logit_softcapping', 50),
    final_logit_softcapping: cap('final_logit_softcapping', 30),
    sliding_window: fields.number('attention.sliding_window') ?? 4096,
  };
}

/** llama.cpp knows the factor of the scores by the size of the model, and of which layers the window is. */
const GEMMA3_LAYERS_OF_27B = 62;
const GEMMA3_PATTERN = 6;

export function gemma3(fields: ArchitectureFields): ModelConfig {
  const common = llamaLike(fields, 'gemma3_text', 'Gemma3ForCausalLM');
  const { hidden_size: hidden, num_attention_heads: heads, head_dim: headDim, num_hidden_layers: layers } = common;
  return {
    ...common,
    // The embedding is the head; a copy of it in the file is compared.
    tie_word_embeddings: true,
    hidden_act: undefined,
    hidden_activation: 'gelu_pytorch_tanh',
    query_pre_attn_scalar: layers === GEMMA3_LAYERS_OF_27B ? (hidden as number) / (heads as number) : headDim,
    sliding_window: fields.number('attention.sliding_window') ?? common['max_position_embeddings'],
    sliding_window_pattern: fields.number('attention.sliding_window_pattern') ?? GEMMA3_PATTERN,
    rope_local_base_freq: float(fields.number('rope.freq_base_swa') ?? 10000),
    final_logit_softcapping: fields.number('final_logit_softcapping') ?? null,
  };
}
