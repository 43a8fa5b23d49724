/** Full fine-tuning: every weight, or every weight of the blocks in `layers` only (the paper's top-2: the last two). */
import type { z } from 'zod';
import { TARGET_SETTINGS } from './matrices.ts';
import { defineMethod, layersText, sizeOf } from './method.ts';

export const full = defineMethod({
  type: 'full',
  name: 'Full fine-tuning',
  line: 'Every weight: the most memory, and a whole new model as the result.',
  settings: { layers: { ...TARGET_SETTINGS.layers, place: 'fields', placeholder: 'all weights' } },
  describe: ({ layers }) => ({ name: 'Full fine-tuning', details: layersText(layers).join(', ') }),
  trainable: ({ layers }, { tensors }) => {
    const names = trainedNames([...tensors.keys()], layers);
    return {
      count: sizeOf(names, tensors),
      formula: layers ? `all ${names.length} tensors of ${layers.length} layers` : `all ${names.length} tensors`,
    };
  },
  wholeModel: true,
});
export type FullSettings = z.infer<typeof full.schema>;

/** The tensors that are trained: all, or those of the blocks in `layers`. */
export function trainedNames(names: string[], layers: number[] | undefined): string[] {
  if (!layers) return names;
  return names.filter((name) => {
    const layer = /(?:^|\.)(?:h|layers)\.(\d+)\./.exec(name);
    return layer !== null && layers.includes(Number(layer[1]));
  });
}
