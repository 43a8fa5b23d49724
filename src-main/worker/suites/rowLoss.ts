/** The cross-entropy of single rows, for scores of which each row is a part. */
import { collate } from '../../datasets/batches.ts';
import { withVirtualTokens, type VirtualLayout } from '../../datasets/virtualTokens.ts';
import type { RenderedExample } from '../../datasets/render.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import type { Decoder } from '../../engine/model/decoder.ts';

export interface RowLossSum {
  /** In nats, over the labelled tokens. */
  sum: number;
  tokens: number;
}

/** Zeros for a row without a labelled token. */
export async function rowLossSum(
  model: Decoder,
  { ids, labels }: Pick<RenderedExample, 'ids' | 'labels'>,
  { layout, padId }: { layout: VirtualLayout; padId: number },
): Promise<RowLossSum> {
  const row = withVirtualTokens({ ids, labels }, layout);
  const { loss, tokens } = await evaluateLoss(model, [collate([row], [0], padId)]);
  return tokens === 0 ? { sum: 0, tokens } : { sum: loss * tokens, tokens };
}
