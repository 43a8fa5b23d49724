/** Rows of a tensor after a change, in the wanted dtype, one chunk at a time. */
import { GraftError } from '../../src-shared/errors.ts';
import { castF32, widenInto, type Dtype, type FloatDtype } from './dtype.ts';
import { allFinite } from './finite.ts';
import { readRowsF32, readTensorBytes, rowsOf, type TensorInfo } from './read.ts';

/** Changes rows `startRow` ... of a tensor, seen as (shape[0], everything else), in place. */
export type EditRows = (rows: Float32Array | Float64Array, startRow: number) => void;

/**
 * The bytes of `info` after `change` (undefined: none) in dtype `to`. `chunkBytes` of float32 values are in memory at a
 * time; a single row is never split.
 * Throws GraftError WEIGHT_OVERFLOW (a value does not fit the dtype), WEIGHT_NOT_FINITE (a changed tensor holds NaN or
 * Inf).
 */
export function* editedPieces(
  info: TensorInfo,
  to: Dtype,
  change: EditRows | undefined,
  chunkBytes: number,
): Generator<Uint8Array> {
  if (!change && to === info.dtype && !info.coded) {
    for (let start = 0; start < info.byteLength; start += chunkBytes)
      yield readTensorBytes(info, start, Math.min(chunkBytes, info.byteLength - start));
    return;
  }
  const { rows, width } = rowsOf(info);
  const chunkRows = Math.max(1, Math.floor(chunkBytes / 4 / Math.max(1, width)));
  for (let start = 0; start < rows; start += chunkRows) {
    const values = readRowsF32(info, start, Math.min(chunkRows, rows - start));
    change?.(values, start);
    if (change) checkFinite(info, values);
    yield castChecked(info, values, to as FloatDtype);
  }
}

function checkFinite(info: TensorInfo, values: Float32Array): void {
  if (allFinite(values)) return;
  throw new GraftError(
    'WEIGHT_NOT_FINITE',
    `Tensor ${info.name} of ${info.file} would hold NaN or Inf after the change; check the adapter and the base model.`,
    { tensor: info.name, file: info.file },
  );
}

/** Casts, and refuses a finite value that became Inf. */
function castChecked(info: TensorInfo, values: Float32Array, to: FloatDtype): Uint8Array {
  const bytes = castF32(values, to);
  if (to === 'F32') return bytes;
  const back = new Float32Array(values.length);
  widenInto(back, new Uint16Array(bytes.buffer), to);
  const at = back.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]!));
  if (at < 0) return bytes;
  const name = to === 'F16' ? 'f16' : 'bf16';
  throw new GraftError(
    'WEIGHT_OVERFLOW',
    `Tensor ${info.name} of ${info.file} holds ${values[at]}, which does not fit ${name}; export as ` +
      `${to === 'F16' ? 'bf16 or f32' : 'f32'} instead.`,
    { tensor: info.name, file: info.file, value: values[at], dtype: name },
  );
}
