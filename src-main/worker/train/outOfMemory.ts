/** The error of a step for which memory is too small even with one row at a time. */
import { GraftError } from '../../../src-shared/errors.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import type { Run } from './run.ts';

const MIB = 2 ** 20;

/** What was asked for, and three changes that need less. */
export function outOfMemory(
  { settings, progress, tensorLimitBytes }: Pick<Run, 'settings' | 'progress' | 'tensorLimitBytes'>,
  batches: Batch[],
  cause: unknown,
): GraftError {
  const longest = Math.max(...batches.map(({ T }) => T));
  const limit =
    tensorLimitBytes === null
      ? 'the memory that the engine has'
      : tensorLimitBytes < MIB
        ? 'the memory limit, which Graft takes up before the first tensor,'
        : `the ${Math.round(tensorLimitBytes / MIB)} MiB that its tensors may take`;
  const changes = [
    ...(tensorLimitBytes !== null && tensorLimitBytes < MIB ? ['a higher memory limit'] : []),
    settings.gradientCheckpointing ? 'a smaller rank or fewer targets' : 'gradient checkpointing',
    `a maximum length below ${longest} tokens`,
    'a smaller base model',
  ].slice(0, 3);
  return new GraftError(
    'OUT_OF_MEMORY',
    `Step ${progress.step + 1} does not fit into ${limit} even with one row of ${longest} tokens at a time; ` +
      `start again with ${changes[0]}, ${changes[1]} or ${changes[2]}.`,
    { step: progress.step + 1, longestTokens: longest, tensorLimitBytes, changes },
    { cause },
  );
}
