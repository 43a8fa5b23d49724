/**
 * GPT-NeoX: query, key and value of a head stand side by side; in the file come all queries, then all keys, then all
 * values.
 */
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { bool } from '../header.ts';
import type { Change, GgufFamily } from './family.ts';

export const gptNeoxGguf: GgufFamily = {
  architecture: 'gptneox',
  top: { embed_in: 'token_embd', final_layer_norm: 'output_norm', embed_out: 'output' },
  block: {
    input_layernorm: 'attn_norm',
    'attention.query_key_value': 'attn_qkv',
    'attention.dense': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.dense_h_to_4h': 'ffn_up',
    'mlp.dense_4h_to_h': 'ffn_down',
  },
  change: (gguf, spec) => (gguf.startsWith('attn_qkv.') ? regrouped(spec) : undefined),
  metadata: (spec) => ({ use_parallel_residual: bool(spec.parallelResidual === true) }),
  untiedHeadOnly: true,
  biasesNeeded: ['attn_qkv', 'attn_output'],
  differences: ({ mlp }) =>
    mlp === 'gelu_exact'
      ? ['llama.cpp computes the GELU of this family by its tanh form, which differs in the fourth decimal.']
      : [],
  refusal: ({ ropeScaling }) => (ropeScaling ? 'does not scale the rotary positions of GPT-NeoX' : undefined),
};

function regrouped({ heads, headDim }: ArchitectureSpec): Change {
  return {
    type: 'rows',
    hfRow: (row) => {
      const [part, head] = [Math.floor(row / (heads * headDim)), Math.floor(row / headDim) % heads];
      return (head * 3 + part) * headDim + (row % headDim);
    },
    ggufRow: (row) => {
      const [head, part] = [Math.floor(row / (3 * headDim)), Math.floor(row / headDim) % 3];
      return (part * heads + head) * headDim + (row % headDim);
    },
  };
}
