/** LoKr (Yeh et al. 2024): the update is a Kronecker product. */
import { z } from 'zod';
import { ALL_LINEAR, ALPHA_SETTING, lowRankText, RANK_SETTING, TARGET_SETTINGS } from './matrices.ts';
import { defineMethod, sum, type ModelShape } from './method.ts';

export const lokr = defineMethod({
  type: 'lokr',
  name: 'LoKr',
  line: 'The update is a Kronecker product: very few parameters.',
  settings: {
    rank: RANK_SETTING,
    alpha: ALPHA_SETTING,
    ...TARGET_SETTINGS,
    factor: {
      schema: z.number().int().min(1).optional(),
      label: 'Factor',
      help: 'Size of the left factor of the Kronecker product.',
      flag: 'factor',
      value: 'N',
      place: 'fields',
      placeholder: 'as square as possible',
    },
  },
  describe: (method) => ({
    name: 'LoKr',
    details: [...lowRankText(method), ...(method.factor ? [`factor ${method.factor}`] : [])].join(', '),
  }),
  trainable: ({ factor }, { matrices }) => ({
    count: sum(matrices.map((matrix) => countOf(matrix, factor))),
    formula:
      'l·m + r·(k + n), or l·m + k·n where r >= max(k, n)/2, with out = l·k and in = m·n, summed over ' +
      `${matrices.length} matrices`,
  }),
  targets: ALL_LINEAR,
});
export type LokrSettings = z.infer<typeof lokr.schema>;

function countOf({ inFeatures, outFeatures, rank: r }: ModelShape['matrices'][number], factor?: number): number {
  const [m, n] = factorise(inFeatures, factor);
  const [l, k] = factorise(outFeatures, factor);
  return l * m + (r < Math.max(k, n) / 2 ? r * (k + n) : k * n);
}

/**
 * Two factors of `size` as PEFT chooses them: the one asked for first where it divides, else the pair closest to
 * square, the smaller (not above `factor`) first.
 */
export function factorise(size: number, factor?: number): [number, number] {
  if (factor !== undefined && size % factor === 0) return [factor, size / factor];
  let small = 1;
  for (let candidate = 1; candidate * candidate <= size && candidate <= (factor ?? size); candidate++)
    if (size % candidate === 0) small = candidate;
  return [small, size / small];
}
