/** What works on a weight as one matrix, which a graphics card may be unable to bind. */
import { usageError } from '../../src-shared/errors.ts';
import type { Parameter } from '../engine/model/parameters.ts';

/** Throws WEIGHT_IN_PIECES. `what` needs the weight whole; `instead`: what to do where it is not. */
export function assertWhole({ name, pieces }: Parameter, what: string, instead: string): void {
  if (!pieces) return;
  throw usageError(
    'WEIGHT_IN_PIECES',
    `${what} needs each weight in one buffer, but the graphics card binds ${name} only in ${pieces.length} pieces; ` +
      `${instead}, or choose another engine.`,
    { tensor: name, pieces: pieces.length },
  );
}
