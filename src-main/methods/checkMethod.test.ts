import { expect, it } from 'vitest';
import { architectureFromConfig } from '../engine/model/architecture.ts';
import { checkSmoothing } from './checkMethod.ts';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 32,
  max_position_embeddings: 64,
};
const GEMMA2 = {
  ...LLAMA,
  model_type: 'gemma2',
  head_dim: 8,
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 8,
  attn_logit_softcapping: 5,
  final_logit_softcapping: 10,
  sliding_window: 8,
};

it('refuses label smoothing on capped logits before anything is loaded, and only there', () => {
  const [llama, gemma2] = [LLAMA, GEMMA2].map((config) => architectureFromConfig(config));
  expect(() => checkSmoothing(gemma2!, { labelSmoothing: 0.1 })).toThrow(
    expect.objectContaining({
      code: 'NO_LABEL_SMOOTHING',
      message: expect.stringMatching(/capped logits of a gemma2 model; set it to 0/) as string,
    }),
  );
  expect(() => checkSmoothing(gemma2!, { labelSmoothing: 0 })).not.toThrow();
  expect(() => checkSmoothing(llama!, { labelSmoothing: 0.1 })).not.toThrow();
});
