/** GPT-2: its Conv1D matrices (in, out) are turned to (out, in). */
import type { GgufFamily } from './family.ts';

export const gpt2Gguf: GgufFamily = {
  architecture: 'gpt2',
  top: { wte: 'token_embd', wpe: 'position_embd', ln_f: 'output_norm', lm_head: 'output' },
  block: {
    ln_1: 'attn_norm',
    'attn.c_attn': 'attn_qkv',
    'attn.c_proj': 'attn_output',
    ln_2: 'ffn_norm',
    'mlp.c_fc': 'ffn_up',
    'mlp.c_proj': 'ffn_down',
  },
  change: (gguf) => {
    const isConv1D = gguf.endsWith('.weight') && !gguf.endsWith('_norm.weight') && gguf !== 'output.weight';
    return isConv1D ? { type: 'transposed' } : undefined;
  },
};
