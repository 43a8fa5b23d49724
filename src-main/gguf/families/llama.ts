/**
 * Llama and its kin. Llama and Mistral, which llama.cpp runs as one architecture: it turns neighbouring floats of a
 * head where transformers turns those half a head apart, so the rows of q and k stand in another order. Qwen2 and Qwen3
 * keep theirs.
 */
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { llama3Frequency } from '../../engine/model/ropeScaling.ts';
import type { Change, Constant, GgufFamily } from './family.ts';
import { scalingRefusal } from './ropeScaling.ts';
import { noWindow } from './windows.ts';

export const LLAMA_TOP = { embed_tokens: 'token_embd', norm: 'output_norm', lm_head: 'output' };

export const LLAMA_BLOCK = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

export const llamaGguf: GgufFamily = {
  architecture: 'llama',
  top: LLAMA_TOP,
  block: LLAMA_BLOCK,
  change: (gguf, { headDim }) => (/^attn_[qk]\./.test(gguf) ? neighbours(headDim) : undefined),
  constants: ropeFactors,
  differences: noWindow,
  refusal: (spec) => scalingRefusal(spec, 'Llama', ['linear', 'llama3', 'yarn']),
};

export const qwen2Gguf: GgufFamily = {
  architecture: 'qwen2',
  top: LLAMA_TOP,
  block: LLAMA_BLOCK,
  differences: noWindow,
  refusal: (spec) => scalingRefusal(spec, 'Qwen2', ['linear', 'yarn']),
};

export const qwen3Gguf: GgufFamily = {
  ...qwen2Gguf,
  architecture: 'qwen3',
  block: { ...LLAMA_BLOCK, 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' },
  refusal: (spec, config) => {
    if (config['attention_bias'] === true) return 'has no bias on the output of Qwen3’s attention';
    return scalingRefusal(spec, 'Qwen3', ['linear', 'yarn']);
  },
};

/** Float i of the first half of a head and float i of the second come to stand side by side. */
function neighbours(headDim: number): Change {
  const half = headDim / 2;
  return {
    type: 'rows',
    hfRow: (row) => {
      const at = row % headDim;
      return row - at + (at % 2) * half + Math.floor(at / 2);
    },
    ggufRow: (row) => {
      const at = row % headDim;
      return row - at + 2 * (at % half) + Math.floor(at / half);
    },
  };
}

/** By what llama.cpp divides each frequency, where the checkpoint scales them as Llama 3 does. */
function ropeFactors({ ropeScaling, ropeTheta, headDim }: ArchitectureSpec): Constant[] {
  if (ropeScaling?.type !== 'llama3') return [];
  const values = Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = 1 / ropeTheta ** ((2 * i) / headDim);
    return frequency / llama3Frequency(frequency, ropeScaling);
  });
  return [{ gguf: 'rope_freqs.weight', values }];
}
