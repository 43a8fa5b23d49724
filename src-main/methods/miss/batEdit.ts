/** Merging MiSS's variant bat: every r x r block of W in block row a becomes W + W·M[a] + M[a]. Sums run in float64. */
import { partOf, type Cell } from '../../adapters/content.ts';
import type { BaseTensor } from '../../basemodel/baseModel.ts';
import type { EditRows } from '../../safetensors/editedRows.ts';
import { readRowsF32, rowsOf } from '../../safetensors/read.ts';
import { placeIn } from '../delta.ts';

export function batEdit(tensor: BaseTensor, cells: Cell[]): EditRows {
  const { width } = rowsOf(tensor);
  return (rows, startRow) => {
    const count = rows.length / width;
    for (const cell of cells) {
      if (cell.module.layout === 'out_in') editOutputRows(rows, startRow, width, cell);
      else editInputRows(rows, startRow, count, tensor, cell);
    }
  };
}

/** Rows are outputs: a row needs nothing but itself. */
function editOutputRows(rows: Float32Array | Float64Array, startRow: number, width: number, cell: Cell): void {
  const { shape, data: M } = partOf(cell, 'miss_block');
  const r = shape[2]!;
  const place = placeIn(cell.module);
  const next = new Float64Array(width);
  for (let i = 0; i < rows.length / width; i++) {
    const output = startRow + i - place.firstRow;
    if (output < 0 || output >= place.rows) continue;
    const [a, p] = [Math.floor(output / r), output % r];
    for (let input = 0; input < width; input++) {
      const [block, j] = [input - (input % r), input % r];
      let sum = rows[i * width + input]! + M[(a * r + p) * r + j]!;
      for (let k = 0; k < r; k++) sum += rows[i * width + block + k]! * M[(a * r + k) * r + j]!;
      next[input] = sum;
    }
    rows.set(next, i * width);
  }
}

/** Rows are inputs: a row needs those of its block, some of which may lie outside the piece. */
function editInputRows(
  rows: Float32Array | Float64Array,
  startRow: number,
  count: number,
  tensor: BaseTensor,
  cell: Cell,
): void {
  const { shape, data: M } = partOf(cell, 'miss_block');
  const r = shape[2]!;
  const { width } = rowsOf(tensor);
  const { firstColumn, width: outputs } = placeIn(cell.module);
  const first = startRow - (startRow % r);
  const blocks = Math.ceil((startRow + count - first) / r);
  const W = readRowsF32(tensor, first, blocks * r);
  for (let i = 0; i < count; i++) {
    const input = startRow + i;
    const [block, j] = [input - (input % r) - first, input % r];
    for (let output = 0; output < outputs; output++) {
      const [a, p] = [Math.floor(output / r), output % r];
      const column = firstColumn + output;
      let sum = rows[i * width + column]! + M[(a * r + p) * r + j]!;
      for (let k = 0; k < r; k++) sum += W[(block + k) * width + column]! * M[(a * r + k) * r + j]!;
      rows[i * width + column] = sum;
    }
  }
}
