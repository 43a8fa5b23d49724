/**
 * MiSS (Kang & Yin 2024, arXiv:2409.15371, as in PEFT 0.20): one small matrix per layer, repeated over its inputs.
 * `bat` also multiplies it with the weight, block by block.
 */
import { z } from 'zod';
import { ALL_LINEAR, RANK_SETTING, TARGET_SETTINGS, targetsText } from './matrices.ts';
import { defineMethod, sum } from './method.ts';

export const miss = defineMethod({
  type: 'miss',
  name: 'MiSS',
  line: 'One thin matrix shared by all blocks of a weight: as small as half a LoRA, and quick.',
  settings: {
    rank: RANK_SETTING,
    ...TARGET_SETTINGS,
    variant: {
      schema: z.enum(['miss', 'bat']).default('miss'),
      label: 'Variant',
      help: 'Bat also multiplies the trained blocks with the weight: more expressive, slower, and more memory.',
      flag: 'variant',
      value: 'NAME',
      choices: { miss: 'MiSS', bat: 'Bat' },
      place: 'fields',
    },
  },
  describe: (method) => ({
    name: method.variant === 'bat' ? 'MiSS (Bat)' : 'MiSS',
    details: [`rank ${method.rank}`, ...targetsText(method)].join(', '),
  }),
  trainable: (_, { matrices }) => ({
    count: sum(matrices.map(({ rank, outFeatures }) => rank * outFeatures)),
    formula: `r·out, summed over ${matrices.length} matrices`,
  }),
  targets: ALL_LINEAR,
  notAdditive: ({ variant }) => (variant === 'bat' ? 'multiplies the weights block by block' : undefined),
});
export type MissSettings = z.infer<typeof miss.schema>;
