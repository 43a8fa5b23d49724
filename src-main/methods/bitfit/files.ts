/** BitFit outside the engine: biases by their own names in Graft's own format. */
import { usageError } from '../../../src-shared/errors.ts';
import { biasesOf, type BitfitSettings } from '../../../src-shared/methods/bitfit.ts';
import { checkedBiases, contentOf } from '../../adapters/content.ts';
import type { MethodFiles } from '../files.ts';

export const bitfitFiles: MethodFiles<BitfitSettings> = {
  check: ({ family }, tensors) => void biasNames(tensors, family),
  own(file, settings, base) {
    const biases = new Map([...file.tensors].map(([name, { data }]) => [name, data]));
    return contentOf(settings, { biases: checkedBiases(file.dir, biases, base) });
  },
};

/** The biases among a model's tensors. Throws NO_BIASES where it has none. */
export function biasNames(tensors: Iterable<string>, family: string): string[] {
  const names = biasesOf(tensors);
  if (names.length > 0) return names;
  throw usageError(
    'NO_BIASES',
    `This ${family} model has no biases, so BitFit has nothing to train; choose LoRA with a small rank instead.`,
    { family },
  );
}
