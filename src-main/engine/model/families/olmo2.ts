/**
 * OLMo 2 (OLMo Team 2025): Llama whose blocks read the residual stream as it is and norm what they add to it; queries
 * and keys are normed across all heads.
 */
import type { ArchitectureSpec, FamilyRules, ModelConfig } from '../spec.ts';
import { llamaFamily, llamaLike } from './llama.ts';

export const olmo2Family: FamilyRules = {
  ...llamaFamily,
  spec: olmo2Architecture,
  names: {
    embedding: 'embed_tokens.weight',
    head: 'lm_head.weight',
    blocks: 'layers',
    afterAttention: 'post_attention_layernorm',
    afterMlp: 'post_feedforward_layernorm',
    finalNorm: 'norm',
    qkNorm: ['self_attn.q_norm', 'self_attn.k_norm'],
  },
};

function olmo2Architecture(config: ModelConfig): ArchitectureSpec {
  return { ...llamaLike(config, { normEps: 1e-5 }), family: 'olmo2', postNorms: true, qkNorm: 'all' };
}
