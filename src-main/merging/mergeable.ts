/** Which adapters can become part of the weights, and why the others cannot. */
import { GraftError } from '../../src-shared/errors.ts';
import { descriptorOf } from '../../src-shared/methods/registry.ts';
import type { AdapterContent } from '../adapters/content.ts';

/** Throws NOT_MERGEABLE for classifiers, for methods that change no weights, and for what the base has no place for. */
export function assertMergeable(dir: string, { settings, score, notMergeable: own }: AdapterContent): void {
  const notMergeable = own ?? descriptorOf(settings.type).notMergeable;
  if (notMergeable !== undefined)
    throw new GraftError(
      'NOT_MERGEABLE',
      `${dir} ${notMergeable}; use it as an adapter beside its base, or train a LoRA.`,
      { adapter: dir },
    );
  if (score)
    throw new GraftError(
      'NOT_MERGEABLE',
      `${dir} classifies texts with a head of its own, for which the base model has no place; use it as an ` +
        'adapter beside its base.',
      { adapter: dir },
    );
}

/** Throws NOT_ADDITIVE for what does more than add to the weights; `only`: how it can be used all the same. */
export function assertAdditive(dir: string, { settings, replaced }: AdapterContent, only: string): void {
  const [first] = replaced.keys();
  const why =
    first === undefined
      ? descriptorOf(settings.type).notAdditive?.(settings)
      : `replaces tensors of the base (${first})`;
  if (why === undefined) return;
  throw new GraftError(
    'NOT_ADDITIVE',
    `The adapter in ${dir} ${why} instead of only adding to them, so it can only be ${only}; keep the original ` +
      'base model, or use an adapter without it.',
    { adapter: dir },
  );
}
