/** BitFit: biases only (Ben Zaken et al. 2022). */
import type { z } from 'zod';
import { defineMethod, sizeOf } from './method.ts';

export const bitfit = defineMethod({
  type: 'bitfit',
  name: 'BitFit',
  line: 'Only the biases are trained, where the model has any.',
  settings: {},
  describe: () => ({ name: 'BitFit', details: '' }),
  trainable: (_, { tensors }) => {
    const names = biasesOf(tensors.keys());
    return { count: sizeOf(names, tensors), formula: `all ${names.length} biases` };
  },
  notAdditive: () => 'replaces biases',
});
export type BitfitSettings = z.infer<typeof bitfit.schema>;

/** The biases among a model's tensors. */
export function biasesOf(tensors: Iterable<string>): string[] {
  return [...tensors].filter((name) => name.endsWith('bias'));
}
