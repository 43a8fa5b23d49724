/** What merging does to each tensor of a base: which rows change, and how. Each element is rounded to float32 once. */
import type { AdapterContent, Cell } from '../adapters/content.ts';
import type { BaseTensor } from '../basemodel/baseModel.ts';
import type { EditRows } from '../safetensors/editedRows.ts';
import { outputNorms } from '../basemodel/outputNorms.ts';
import { rowsOf } from '../safetensors/read.ts';
import { addDelta, deltaOf, type Delta } from './delta.ts';

export type WeightsContent = Extract<AdapterContent, { type: 'weights' }>;

/** One adapter of a merge. */
export interface MergeTerm {
  content: WeightsContent;
  /** Of the whole update, beside the adapter's own scale; negative takes it away. */
  scale: number;
}

export type EditOf = (tensor: BaseTensor) => EditRows | undefined;

/** W + sum of scale·update, for updates that are added; biases and magnitudes are left aside. */
export function addedEdits(terms: MergeTerm[]): EditOf {
  const byWeight = Map.groupBy(
    terms.flatMap(({ content, scale }) => content.cells.map((cell) => ({ cell, scale }))),
    ({ cell }) => cell.module.weight,
  );
  return (tensor) => {
    const updates = byWeight.get(tensor.name)?.map(({ cell, scale }) => ({ delta: deltaOf(cell), scale }));
    if (!updates) return undefined;
    const { width } = rowsOf(tensor);
    return (rows, startRow) => {
      // Several updates are summed in float64, so that the weight is rounded once; one alone rounds once anyway.
      const sum = updates.length === 1 ? rows : Float64Array.from(rows);
      for (const { delta, scale } of updates) addDelta(sum, startRow, width, delta, scale);
      if (sum !== rows) rows.set(sum);
    };
  };
}

/** The same for one adapter as it is: its biases replace those of the base, DoRA's magnitudes the norms. */
export function mergedEdits(content: WeightsContent): EditOf {
  const magnitudes = new Map(
    content.cells.flatMap((cell) =>
      cell.type === 'lora' && cell.magnitude
        ? [[cell.module.weight, { cell, magnitude: cell.magnitude }] as const]
        : [],
    ),
  );
  const added = addedEdits([{ content, scale: 1 }]);
  return (tensor) => {
    const bias = content.biases.get(tensor.name);
    if (bias) return (rows, startRow) => rows.set(bias.subarray(startRow, startRow + rows.length));
    const dora = magnitudes.get(tensor.name);
    return dora ? doraEdit(tensor, dora.cell, dora.magnitude) : added(tensor);
  };
}

/**
 * W' = m·(W + s·BA)/||W + s·BA||, per output (Liu et al. 2024, eq. 5). Norms of outputs that are columns take a pass of
 * their own.
 */
function doraEdit(tensor: BaseTensor, cell: Cell, magnitude: Float32Array): EditRows {
  const delta = deltaOf(cell);
  const { width } = rowsOf(tensor);
  const { layout } = cell.module;
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
