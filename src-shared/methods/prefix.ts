/**
 * Virtual tokens (Li & Liang 2021; Hu et al. 2021, section 5.1). `embedding`: trained input vectors. `layer`: trained
 * activations at the input of every block. `key-value`: trained keys and values of every layer, as PEFT's prefix
 * tuning.
 */
import { z } from 'zod';
import { defineMethod } from './method.ts';

const NAMES = { embedding: 'Prefix-embedding', layer: 'Prefix-layer', 'key-value': 'Prefix tuning' };

export const prefix = defineMethod({
  type: 'prefix',
  name: 'Prefix',
  line: 'Trained tokens in front of every text; the weights stay as they are.',
  settings: {
    kind: {
      schema: z.enum(['embedding', 'layer', 'key-value']).default('key-value'),
      label: 'Kind',
      help: 'What is trained of the virtual tokens.',
      flag: 'kind',
      value: 'NAME',
      choices: {
        'key-value': 'Keys and values (as PEFT)',
        embedding: 'Embeddings',
        layer: 'Activations of every layer',
      },
      place: 'fields',
    },
    prefixLength: {
      schema: z.number().int().min(0).default(8),
      label: 'Prefix length',
      help: 'Virtual tokens in front of the input.',
      flag: 'prefix-length',
      value: 'N',
      place: 'fields',
    },
    infixLength: {
      schema: z.number().int().min(0).default(0),
      label: 'Infix length',
      help: 'Virtual tokens between prompt and answer.',
      flag: 'infix-length',
      value: 'N',
      place: 'fields',
    },
  },
  describe: ({ kind, prefixLength: p, infixLength: i }) => ({
    name: NAMES[kind],
    details: i > 0 ? `${p} in front, ${i} before the answer` : `${p} tokens`,
  }),
  trainable: ({ kind, prefixLength: p, infixLength: i }, { layers: L, hidden: d, kvHeads: K, headDim: D }) => {
    switch (kind) {
      case 'embedding':
        return { count: d * (p + i), formula: `d_model·(l_p + l_i) = ${d}·(${p} + ${i})` };
      case 'layer':
        return { count: L * d * (p + i), formula: `L·d_model·(l_p + l_i) = ${L}·${d}·(${p} + ${i})` };
      case 'key-value':
        return {
          count: 2 * L * K * D * p,
          formula: `2·L·K·D·l_p = 2·${L}·${K}·${D}·${p}, K heads of D for keys and values`,
        };
    }
  },
  void: ({ kind }) => (kind === 'key-value' ? ['infixLength'] : []),
  notMergeable: 'holds virtual tokens, which cannot be merged since they stand in the input and change no weights',
  virtualTokens: ({ prefixLength, infixLength }) => ({ prefix: prefixLength, infix: infixLength }),
});
export type PrefixSettings = z.infer<typeof prefix.schema>;
