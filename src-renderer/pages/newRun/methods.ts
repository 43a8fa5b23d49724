/** What each fine-tuning method is, in a line. */
import type { MethodType } from './draft.ts';

export const METHODS: Record<MethodType, { name: string; line: string }> = {
  lora: { name: 'LoRA', line: 'Two thin matrices beside each chosen one: small, fast, and merged without a trace.' },
  loha: {
    name: 'LoHa',
    line: 'Two low-rank updates multiplied element by element: a higher rank from as few parameters.',
  },
  lokr: { name: 'LoKr', line: 'The update is a Kronecker product: very few parameters.' },
  adapter: {
    name: 'Adapter layers',
    line: 'Small layers behind attention and MLP; they stay in the model, so answers get a little slower.',
  },
  prefix: { name: 'Prefix', line: 'Trained tokens in front of every text; the weights stay as they are.' },
  bitfit: { name: 'BitFit', line: 'Only the biases are trained, where the model has any.' },
  full: { name: 'Full fine-tuning', line: 'Every weight: the most memory, and a whole new model as the result.' },
};

/** What the targets are, for the heads of the picture. */
export const TARGET_NAMES: Record<string, string> = {
  q: 'query',
  k: 'key',
  v: 'value',
  qkv: 'query, key, value in one',
  o: 'attention output',
  gate: 'MLP gate',
  up: 'MLP up',
  gate_up: 'MLP gate and up in one',
  down: 'MLP down',
  fc: 'MLP in',
  proj: 'MLP out',
};
