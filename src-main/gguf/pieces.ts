/** The values of a checkpoint's tensor as its GGUF tensor has them, a piece of rows at a time. */
import type { BaseTensor } from '../basemodel/baseModel.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import { readRowsF32, readTensorBytes, rowsOf } from '../safetensors/read.ts';
import type { Change } from './families/family.ts';

/** Float32 values of one tensor that are in memory at a time (a single row is never split). */
const CHUNK_BYTES = 16 << 20;

/** `edit` sees the checkpoint's rows; the change of layout comes after it. */
export function* ggufPieces(
  tensor: BaseTensor,
  change: Change | undefined,
  edit: EditRows | undefined,
  chunkBytes = CHUNK_BYTES,
): Generator<Float32Array> {
  const read = (start: number, count: number): Float32Array => {
    const values = readRowsF32(tensor, start, count);
    edit?.(values, start);
    return values;
  };
  if (change?.type === 'transposed') return yield* transposed(tensor, read, chunkBytes);
  const { rows, width } = rowsOf(tensor);
  const chunkRows = Math.max(1, Math.floor(chunkBytes / 4 / Math.max(1, width)));
  for (let start = 0; start < rows; start += chunkRows) {
    const count = Math.min(chunkRows, rows - start);
    if (change?.type === 'rows') yield gathered(start, count, width, change.hfRow, read);
    else yield shifted(read(start, count), change);
  }
}

/** The tensor's bytes as its file has them. */
export function* storedPieces(tensor: BaseTensor, chunkBytes = CHUNK_BYTES): Generator<Uint8Array> {
  for (let start = 0; start < tensor.byteLength; start += chunkBytes)
    yield readTensorBytes(tensor, start, Math.min(chunkBytes, tensor.byteLength - start));
}

type Read = (startRow: number, rowCount: number) => Float32Array;

/** Rows `start` ... of the GGUF, read in runs that follow one another in the checkpoint. */
function gathered(
  start: number,
  count: number,
  width: number,
  hfRow: (row: number) => number,
  read: Read,
): Float32Array {
  const values = new Float32Array(count * width);
  for (let at = 0; at < count;) {
    const from = hfRow(start + at);
    let run = 1;
    while (at + run < count && hfRow(start + at + run) === from + run) run++;
    values.set(read(from, run), at * width);
    at += run;
  }
  return values;
}

/** Each value is rounded to float32 once. */
function shifted(values: Float32Array, change: Change | undefined): Float32Array {
  if (change?.type === 'plus') {
    const { term, factor = 1 } = change;
    for (let i = 0; i < values.length; i++) values[i] = (values[i]! + term) * factor;
  }
  if (change?.type === 'times') for (let i = 0; i < values.length; i++) values[i] = values[i]! * change.factor;
  return values;
}

/** The whole matrix (in, out) is in memory; GPT-2's largest has 41 MB. */
function* transposed(tensor: BaseTensor, read: Read, chunkBytes: number): Generator<Float32Array> {
  const { rows: inner, width: outer } = rowsOf(tensor);
  const values = read(0, inner);
  const chunkRows = Math.max(1, Math.floor(chunkBytes / 4 / inner));
  for (let start = 0; start < outer; start += chunkRows) {
    const count = Math.min(chunkRows, outer - start);
    const piece = new Float32Array(count * inner);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < inner; j++) piece[i * inner + j] = values[j * outer + start + i]!;
    yield piece;
  }
}
