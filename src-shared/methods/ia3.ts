/** IA3 (Liu et al. 2022): learned vectors that scale what linear layers give, or what the MLP's last one reads. */
import type { z } from 'zod';
import type { Target } from '../targets.ts';
import { TARGET_SETTINGS, targetsText } from './matrices.ts';
import { defineMethod, sum, type Matrix } from './method.ts';

/** Layers whose input is scaled: the last one of the MLP. */
const FEEDFORWARD: readonly string[] = ['down', 'proj'] satisfies Target[];

/** PEFT's table; every other family has keys, values and the MLP's last layer, as the paper. */
const USUAL: Record<string, Target[]> = {
  gpt2: ['qkv', 'proj'],
  gpt_neox: ['qkv', 'proj'],
  phi3: ['qkv', 'down'],
  qwen2: ['q', 'v', 'down'],
  qwen3: ['q', 'v', 'down'],
  gemma2: ['q', 'v', 'down'],
  gemma3_text: ['q', 'v', 'down'],
};
const PAPER: Target[] = ['k', 'v', 'down'];

export const ia3 = defineMethod({
  type: 'ia3',
  name: 'IA3',
  line: 'Learned factors on keys, values and the MLP: the fewest parameters, merged without a trace.',
  settings: {
    ...TARGET_SETTINGS,
    targets: { ...TARGET_SETTINGS.targets, placeholder: 'keys, values and the last layer of the MLP, as PEFT' },
  },
  describe: (method) => ({ name: 'IA3', details: targetsText(method).join(', ') }),
  trainable: (_, { matrices }) => ({
    count: sum(matrices.map((matrix) => (scalesInput(matrix) ? matrix.inFeatures : matrix.outFeatures))),
    formula: `out, or in of the last layer of the MLP, summed over ${matrices.length} matrices`,
  }),
  targets: {
    usual: ({ family, targets }) => (USUAL[family] ?? PAPER).filter((target) => targets.includes(target)),
    nothingElse: () => true,
  },
  notAdditive: () => 'scales the weights',
});
export type Ia3Settings = z.infer<typeof ia3.schema>;

export function scalesInput({ target }: Pick<Matrix, 'target'>): boolean {
  return FEEDFORWARD.includes(target);
}
