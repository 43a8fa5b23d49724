/** Whether a graphics card can bind what a run makes: known before it starts, from shapes alone. */
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { largestActivation } from '../../engine/model/weightLayout.ts';
import { countTokens, type Batch } from '../../engine/train/batchLoss.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

const MIB = 2 ** 20;

interface Bound {
  base: Pick<BaseModel, 'spec'>;
  train: Pick<RunSpec['train'], 'gradientCheckpointing'>;
}

/** Whether `checkBindings` would let the batch through. */
export function canBind(run: Bound, batch: Batch, bindingBytes: number | undefined): boolean {
  return bindingBytes === undefined || largestBuffer(run, batch).bytes <= bindingBytes;
}

/**
 * Weights are in pieces that the card binds (weightLayout.ts), and so is the loss; one thing is not divided, what a
 * layer gives for all tokens of a micro-batch. `bindingBytes`: undefined where there is no limit. Throws
 * BUFFER_TOO_LARGE.
 */
export function checkBindings(run: Bound, batch: Batch, bindingBytes: number | undefined): void {
  if (bindingBytes === undefined || canBind(run, batch, bindingBytes)) return;
  const { tokens, bytes, bytesPerToken, what } = largestBuffer(run, batch);
  const mostTokens = Math.floor(bindingBytes / bytesPerToken);
  const rows = Math.floor((batch.B * mostTokens) / tokens);
  const remedy =
    rows > 0
      ? `lower the batch from ${batch.B} to ${rows}`
      : `lower the maximum length from ${batch.T} to ${mostTokens}`;
  const orElse = run.train.gradientCheckpointing ? '' : ', turn gradient checkpointing on';
  throw usageError(
    'BUFFER_TOO_LARGE',
    `A micro-batch of ${tokens} tokens needs ${Math.ceil(bytes / MIB)} MiB in one buffer for the ${what}, and the ` +
      `graphics card binds ${Math.floor(bindingBytes / MIB)} MiB at once; ${remedy}${orElse} or choose another engine.`,
    { tokens, bytes, bindingBytes, rows, mostTokens },
  );
}

interface LargestBuffer {
  tokens: number;
  bytes: number;
  bytesPerToken: number;
  what: string;
}

function largestBuffer({ base, train }: Bound, batch: Batch): LargestBuffer {
  const tokens = countTokens(batch);
  const { what, bytesPerToken } = largestActivation(base.spec, train.gradientCheckpointing);
  return { tokens, bytes: tokens * bytesPerToken, bytesPerToken, what };
}
