/** LoHa (Hyeon-Woo et al. 2022): the update is the element-wise product of two low-rank matrices. */
import type { z } from 'zod';
import { ALL_LINEAR, ALPHA_SETTING, lowRankText, pairsOf, RANK_SETTING, TARGET_SETTINGS } from './matrices.ts';
import { defineMethod } from './method.ts';

export const loha = defineMethod({
  type: 'loha',
  name: 'LoHa',
  line: 'Two low-rank updates multiplied element by element: a higher rank from as few parameters.',
  settings: { rank: RANK_SETTING, alpha: ALPHA_SETTING, ...TARGET_SETTINGS },
  describe: (method) => ({ name: 'LoHa', details: lowRankText(method).join(', ') }),
  trainable: (_, { matrices }) => pairsOf(matrices, 2),
  targets: ALL_LINEAR,
});
export type LohaSettings = z.infer<typeof loha.schema>;
