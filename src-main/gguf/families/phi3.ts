/** Phi-3: q, k, v in one matrix and gate, up in another, as in the checkpoint. */
import type { ArchitectureSpec, ModelConfig } from '../../engine/model/architecture.ts';
import { float32, uint32 } from '../header.ts';
import type { GgufFamily } from './family.ts';
import { scalingRefusal } from './ropeScaling.ts';
import { noWindow } from './windows.ts';

export const phi3Gguf: GgufFamily = {
  architecture: 'phi3',
  top: { embed_tokens: 'token_embd', norm: 'output_norm', lm_head: 'output' },
  block: {
    input_layernorm: 'attn_norm',
    'self_attn.qkv_proj': 'attn_qkv',
    'self_attn.o_proj': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.gate_up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  },
  metadata: (spec, config) => ({
    'rope.scaling.original_context_length': uint32(originalLength(spec, config)),
    // 0 tells Phi-4 from Phi-3.
    'attention.sliding_window': uint32(typeof config['sliding_window'] === 'number' ? config['sliding_window'] : 0),
    ...(spec.ropeScaling?.type === 'longrope'
      ? { 'rope.scaling.attn_factor': float32(spec.ropeScaling.attentionFactor) }
      : {}),
  }),
  constants: ({ ropeScaling }) =>
    ropeScaling?.type === 'longrope'
      ? [
          { gguf: 'rope_factors_long.weight', values: Float32Array.from(ropeScaling.longFactors) },
          { gguf: 'rope_factors_short.weight', values: Float32Array.from(ropeScaling.shortFactors) },
        ]
      : [],
  differences: (spec) => [...noWindow(spec), ...byContext(spec)],
  refusal: (spec) => scalingRefusal(spec, 'Phi-3', ['linear', 'longrope']),
};

function byContext({ ropeScaling }: ArchitectureSpec): string[] {
  if (ropeScaling?.type !== 'longrope') return [];
  const { originalMaxPositions } = ropeScaling;
  return [
    `llama.cpp takes the factors for long texts wherever its context is longer than ${originalMaxPositions} tokens, ` +
      'transformers where the text is: short texts in a long context are continued differently.',
  ];
}

function originalLength({ maxPositions }: ArchitectureSpec, config: ModelConfig): number {
  const original = config['original_max_position_embeddings'];
  return typeof original === 'number' ? original : maxPositions;
}
