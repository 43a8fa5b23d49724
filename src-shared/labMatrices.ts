/** Where a weight matrix of a checkpoint stands in the model: its layer, and which of the layer's matrices it is. */
import type { Target } from './targets.ts';

export interface MatrixPlace {
  /** Null where the name holds no number. */
  layer: number | null;
  /** One of the targets; the last parts of its name where it is none. */
  target: string;
}

/** The last part of the names, in Llama's, Phi-3's, GPT-2's and GPT-NeoX's checkpoints. */
const TARGETS: Record<string, Target> = {
  q_proj: 'q',
  k_proj: 'k',
  v_proj: 'v',
  o_proj: 'o',
  gate_proj: 'gate',
  up_proj: 'up',
  down_proj: 'down',
  qkv_proj: 'qkv',
  gate_up_proj: 'gate_up',
  'attn.c_attn': 'qkv',
  'attn.c_proj': 'o',
  'mlp.c_fc': 'fc',
  'mlp.c_proj': 'proj',
  'attention.query_key_value': 'qkv',
  'attention.dense': 'o',
  'mlp.dense_h_to_4h': 'fc',
  'mlp.dense_4h_to_h': 'proj',
};

/** `name`: without `.weight`, such as `model.layers.5.self_attn.v_proj`. */
export function placeOfMatrix(name: string): MatrixPlace {
  const parts = name.split('.');
  const at = parts.findIndex((part) => /^\d+$/.test(part));
  const within = parts.slice(at + 1);
  return {
    layer: at < 0 ? null : Number(parts[at]),
    target: TARGETS[within.slice(-2).join('.')] ?? TARGETS[within.at(-1) ?? ''] ?? within.slice(-2).join('.'),
  };
}
