/** Phi-3: q, k, v in one matrix and gate, up in another, as in the checkpoint. */
import type { ArchitectureSpec, ModelConfig } from '../../engine/model/architecture.ts';
import { uint32 } from '../header.ts';
import type { GgufFamily } from './family.ts';
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
  }),
  differences: noWindow,
  refusal: ({ ropeScaling }) => (ropeScaling ? 'does not scale the rotary positions of Phi-3 in this way' : undefined),
};

function originalLength({ maxPositions }: ArchitectureSpec, config: ModelConfig): number {
  const original = config['original_max_position_embeddings'];
  return typeof original === 'number' ? original : maxPositions;
}
