/** W' = W + s·BA (Hu et al. 2021), or W' = m·(W + s·BA)/||W + s·BA|| (Liu et al. 2024, eq. 5), by rows. */
import type { NamedTensor } from '../../adapters/files.ts';
import { outputNorms } from '../../basemodel/outputNorms.ts';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { EditRows } from '../../safetensors/editedRows.ts';
import { rowsOf, type TensorInfo } from '../../safetensors/read.ts';
import { addDelta, placeIn, type Delta, type FillRow } from '../delta.ts';
import { lowRankFor, lowRankRow } from '../lowRank.ts';

/** One update: A (r, in), B (out, r), with DoRA the magnitude (out). */
export interface LoraUpdate {
  A: NamedTensor;
  B: NamedTensor;
  magnitude?: NamedTensor | undefined;
  scale: number;
}

/** Of a layer, or of an embedding, which maps ids to features and is stored (ids, features). */
export type UpdatedMatrix = Pick<LinearModule, 'layout' | 'slice' | 'inFeatures' | 'outFeatures'>;

/** The rows of BA in the orientation of its weight. */
export function updateRows({ A, B }: Pick<LoraUpdate, 'A' | 'B'>, { layout }: Pick<UpdatedMatrix, 'layout'>): FillRow {
  const update = lowRankFor(A, B, layout);
  return (row, into) => lowRankRow(update, row, into);
}

export function loraEdit(tensor: TensorInfo, update: LoraUpdate, matrix: UpdatedMatrix): EditRows {
  if (update.magnitude) return doraEdit(tensor, update, update.magnitude, matrix);
  const delta = { scale: update.scale, ...placeIn(matrix), fill: updateRows(update, matrix) };
  const { width } = rowsOf(tensor);
  return (rows, startRow) => addDelta(rows, startRow, width, delta);
}

/** The norm is taken per output. Norms of outputs that are columns take a pass of their own. */
function doraEdit(
  tensor: TensorInfo,
  update: LoraUpdate,
  { data: magnitude }: NamedTensor,
  matrix: UpdatedMatrix,
): EditRows {
  const delta = { scale: update.scale, ...placeIn(matrix), fill: updateRows(update, matrix) };
  const { width } = rowsOf(tensor);
  const { layout } = matrix;
  let columnNorms: Float64Array | undefined;
  return (rows, startRow) => {
    const moved = Float64Array.from(rows);
    addDelta(moved, startRow, width, delta);
    if (layout === 'in_out')
      columnNorms ??= outputNorms(tensor, layout, (some, start) => addDelta(some, start, width, delta));
    const factors = columnNorms
      ? columnNorms.map((norm, output) => magnitude[output]! / norm)
      : rowFactors(moved, startRow, delta, magnitude);
    for (let i = 0; i < moved.length; i++)
      rows[i] = moved[i]! * factors[columnNorms ? i % width : Math.floor(i / width)]!;
  };
}

/** m/||row|| of each of these rows. */
function rowFactors(rows: Float64Array, startRow: number, { width }: Delta, magnitude: Float32Array): Float64Array {
  return Float64Array.from({ length: rows.length / width }, (_, i) => {
    let square = 0;
    for (const value of rows.subarray(i * width, (i + 1) * width)) square += value * value;
    return magnitude[startRow + i]! / Math.sqrt(square);
  });
}
