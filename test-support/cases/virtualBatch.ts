/** A batch with an adapter's virtual tokens in it, put together token by token. */
import type { Adapter } from '../../src-main/methods/adapter.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';

/** `batch` itself where the adapter has none. Infix tokens stand right before the first labelled token of a row. */
export function withVirtualTokens(batch: Batch, vocab: number, { virtual }: Pick<Adapter, 'virtual'>): Batch {
  if (!virtual) return batch;
  const rows = Array.from({ length: batch.B }, (_, b) => row(batch, b, vocab, virtual));
  const flat = (field: 'ids' | 'labels' | 'mask'): Int32Array =>
    Int32Array.from(rows.flatMap((tokens) => tokens.map((token) => token[field])));
  return {
    ids: flat('ids'),
    labels: flat('labels'),
    mask: flat('mask'),
    B: batch.B,
    T: batch.T + virtual.prefix + virtual.infix,
  };
}

interface Token {
  ids: number;
  labels: number;
  mask: number;
}

function row(
  { ids, labels, mask, T }: Batch,
  b: number,
  vocab: number,
  { prefix, infix }: { prefix: number; infix: number },
): Token[] {
  const tokens = Array.from({ length: T }, (_, t): Token => ({
    ids: ids[b * T + t]!,
    labels: labels[b * T + t]!,
    mask: mask[b * T + t]!,
  }));
  const own = (first: number, count: number): Token[] =>
    Array.from({ length: count }, (_, j) => ({ ids: vocab + first + j, labels: -100, mask: 1 }));
  const answer = Math.max(
    0,
    tokens.findIndex(({ labels: label }) => label >= 0),
  );
  return [...own(0, prefix), ...tokens.slice(0, answer), ...own(prefix, infix), ...tokens.slice(answer)];
}
