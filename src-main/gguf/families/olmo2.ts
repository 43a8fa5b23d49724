/** OLMo 2: names only; its head is always written out. */
import type { GgufFamily } from './family.ts';
import { LLAMA_BLOCK, LLAMA_TOP } from './llama.ts';
import { scalingRefusal } from './ropeScaling.ts';

export const olmo2Gguf: GgufFamily = {
  architecture: 'olmo2',
  top: LLAMA_TOP,
  block: {
    ...LLAMA_BLOCK,
    'self_attn.q_norm': 'attn_q_norm',
    'self_attn.k_norm': 'attn_k_norm',
    post_attention_layernorm: 'post_attention_norm',
    post_feedforward_layernorm: 'post_ffw_norm',
  },
  untiedHeadOnly: true,
  refusal: (spec, config) => {
    if (config['attention_bias'] === true) return 'has no biases in OLMo 2’s attention';
    return scalingRefusal(spec, 'OLMo 2', ['linear', 'yarn']);
  },
};
