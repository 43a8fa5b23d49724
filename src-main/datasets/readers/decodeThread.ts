/** Entry of a thread that decodes one file for decodeInThread.ts: a batch of rows each time it is asked. */
import { parentPort, workerData } from 'node:worker_threads';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { readBinary, type BinaryFile } from './binary.ts';
import { FileNotes } from './notes.ts';

export interface DecodedBatch {
  rows: (RawRow | BadRow)[];
  /** The file has no more rows. */
  ended: boolean;
  /** Of the header, once: with the first batch after it was read. */
  columns: string[];
  /** So far. */
  notes: string[];
  doneBytes: number;
}
export type DecodeAnswer = DecodedBatch | { error: ErrorData };

const BATCH_ROWS = 256;

let columns: string[] = [];
const notes = new FileNotes();
let doneBytes = 0;
const rows = readBinary(workerData as BinaryFile, {
  onHeader: (names) => (columns = names),
  notes,
  onProgress: (bytes) => (doneBytes = bytes),
});

async function nextBatch(): Promise<DecodeAnswer> {
  const batch: (RawRow | BadRow)[] = [];
  let ended = false;
  try {
    while (batch.length < BATCH_ROWS && !ended) {
      const { done, value } = await rows.next();
      if (done) ended = true;
      else batch.push(value);
    }
    const header = columns;
    columns = [];
    return { rows: batch, ended, columns: header, notes: notes.list, doneBytes };
  } catch (error) {
    return { error: toErrorData(error) };
  }
}

parentPort?.on('message', () => void nextBatch().then((answer) => parentPort?.postMessage(answer)));
