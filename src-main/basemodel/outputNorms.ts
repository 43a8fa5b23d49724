/** ||W|| of each output of a linear layer, in float64, with a bounded piece of the matrix in memory. */
import type { LinearLayout } from '../engine/model/architecture.ts';
import { readRowsF32, rowsOf, type TensorInfo } from '../safetensors/read.ts';

const CHUNK_ELEMENTS = 4 << 20;

/** `change` is applied to each piece of rows before it is measured. */
export function outputNorms(
  info: TensorInfo,
  layout: LinearLayout,
  change?: (rows: Float64Array, startRow: number) => void,
): Float64Array {
  const { rows, width } = rowsOf(info);
  const squares = new Float64Array(layout === 'out_in' ? rows : width);
  const chunkRows = Math.max(1, Math.floor(CHUNK_ELEMENTS / width));
  for (let start = 0; start < rows; start += chunkRows) {
    const values = Float64Array.from(readRowsF32(info, start, Math.min(chunkRows, rows - start)));
    change?.(values, start);
    values.forEach((value, i) => {
      const output = layout === 'out_in' ? start + Math.floor(i / width) : i % width;
      squares[output] = squares[output]! + value * value;
    });
  }
  return squares.map(Math.sqrt);
}
