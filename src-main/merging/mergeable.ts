/** Which adapters can become part of the weights, and why the others cannot. */
import type { AdapterContent } from '../adapters/content.ts';
import type { StoredAdapter } from '../adapters/storedAdapter.ts';
import { GraftError } from '../../src-shared/errors.ts';
import type { WeightsContent } from './edits.ts';

/** Throws NOT_MERGEABLE for adapter layers, prefixes and classifiers. */
export function weightsOf({ dir }: Pick<StoredAdapter, 'dir'>, content: AdapterContent): WeightsContent {
  switch (content.type) {
    case 'weights':
      if (content.score)
        throw new GraftError(
          'NOT_MERGEABLE',
          `${dir} classifies texts with a head of its own, for which the base model has no place; use it as an ` +
            'adapter beside its base.',
          { adapter: dir },
        );
      return content;
    case 'adapter':
      throw new GraftError(
        'NOT_MERGEABLE',
        `${dir} holds adapter layers, which cannot be merged since a nonlinearity stands between their two ` +
          `matrices and the base's weights; use it as an adapter beside its base, or train a LoRA.`,
        { adapter: dir },
      );
    case 'prefix':
      throw new GraftError(
        'NOT_MERGEABLE',
        `${dir} holds virtual tokens, which cannot be merged since they stand in the input and change no ` +
          'weights; use it as an adapter beside its base, or train a LoRA.',
        { adapter: dir },
      );
    default:
      return content satisfies never;
  }
}

/** Throws NOT_ADDITIVE for DoRA and for trained biases; `only`: how it can be used all the same. */
export function assertAdditive(dir: string, { cells, biases }: WeightsContent, only: string): void {
  const isDora = cells.some((cell) => cell.type === 'lora' && cell.magnitude);
  if (!isDora && biases.size === 0) return;
  const why = isDora ? 'is a DoRA, which rescales the weights' : 'replaces biases';
  throw new GraftError(
    'NOT_ADDITIVE',
    `The adapter in ${dir} ${why} instead of only adding to them, so it can only be ${only}; keep the original ` +
      'base model, or use an adapter without it.',
    { adapter: dir },
  );
}
