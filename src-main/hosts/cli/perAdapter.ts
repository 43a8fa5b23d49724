/** A repeatable option of which there is one for each --adapter. */
import { usageError } from '../../../src-shared/errors.ts';
import type { Args } from './args.ts';

/** In the order of the adapters; 1 each where none is given. Throws BAD_USAGE for no adapters, or another number. */
export function numbersPerAdapter(args: Args, option: string, adapters: number): number[] {
  if (adapters === 0)
    throw usageError('BAD_USAGE', '--adapter is missing; give an adapter of the catalogue or its folder.', {
      option: 'adapter',
    });
  const numbers = args.numbers(option);
  if (numbers.length > 0 && numbers.length !== adapters)
    throw usageError(
      'BAD_USAGE',
      `There are ${adapters} --adapter and ${numbers.length} --${option}; give one --${option} for each adapter, in ` +
        'the same order, or none.',
      { option, numbers, adapters },
    );
  return numbers.length > 0 ? numbers : Array.from({ length: adapters }, () => 1);
}
