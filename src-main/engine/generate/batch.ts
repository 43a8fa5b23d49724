/** Token-by-token decoding of several prompts at once, all of which begin together. */
import type { Attachment } from '../model/attachment.ts';
import type { Decoder } from '../model/decoder.ts';
import { RollingBatch, type BatchEvent, type BatchRow, type RollingOptions } from './rollingBatch.ts';

/**
 * Decodes all rows together with the adapter that the model has. Frees its cache when it ends or the caller stops
 * iterating. Throws on an empty or too long prompt.
 */
export async function* generateBatch(model: Decoder, rows: BatchRow[]): AsyncGenerator<BatchEvent, void> {
  yield* decode(model, rows);
}

/** An attachment that treats each row of a batch in its own way. */
export interface RowAttachment extends Attachment {
  /** Before a pass over T tokens of each of these rows (indices into the request), one row after the other. */
  assign(rows: number[], T: number): void;
  dispose(): void;
}

/** The same with `mixed` instead of the model's adapter; disposes it in the end. */
export async function* generateMixed(
  model: Decoder,
  rows: BatchRow[],
  mixed: RowAttachment,
): AsyncGenerator<BatchEvent, void> {
  try {
    yield* decode(model.with(mixed), rows, { beforePass: (live, T) => mixed.assign(live, T) });
  } finally {
    mixed.dispose();
  }
}

async function* decode(model: Decoder, rows: BatchRow[], options?: RollingOptions): AsyncGenerator<BatchEvent, void> {
  const batch = new RollingBatch(model, options);
  try {
    batch.enter(rows.map((row, i) => ({ ...row, row: i })));
    while (batch.isBusy) yield* await batch.step();
  } finally {
    batch.dispose();
  }
}
