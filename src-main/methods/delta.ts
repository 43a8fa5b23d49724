/**
 * The update that an adapter adds to one weight, row by row of the matrix as it is stored. Sums run in float64.
 */
import type { Cell } from '../adapters/content.ts';
import type { LinearModule } from '../engine/model/architecture.ts';

/** Fills `into` with a row of an update, without its scale. */
export type FillRow = (row: number, into: Float64Array) => void;

/** Where a module's own matrix lies in the stored one: a fused layer has other outputs beside it. */
export interface Place {
  firstRow: number;
  rows: number;
  firstColumn: number;
  width: number;
}

export interface Delta extends Place {
  scale: number;
  fill: FillRow;
}

export function placeIn({
  layout,
  slice,
  inFeatures,
  outFeatures,
}: Pick<LinearModule, 'layout' | 'slice' | 'inFeatures' | 'outFeatures'>): Place {
  const start = slice?.start ?? 0;
  return layout === 'out_in'
    ? { firstRow: start, rows: outFeatures, firstColumn: 0, width: inFeatures }
    : { firstRow: 0, rows: inFeatures, firstColumn: start, width: outFeatures };
}

/** fill: rows of the update in the orientation of its weight. */
export function deltaOf({ module, scale }: Cell, fill: FillRow): Delta {
  return { scale, ...placeIn(module), fill };
}

/** As FillRow, from single elements of an update (out, in). */
export function byElement({ layout }: LinearModule, at: (output: number, input: number) => number): FillRow {
  const turned = layout === 'in_out';
  return (row, into) => {
    for (let j = 0; j < into.length; j++) into[j] = turned ? at(j, row) : at(row, j);
  };
}

/**
 * rows += factor·scale·(the update's rows from `startRow` on). `rows`: whole rows of the stored matrix, `width` wide.
 */
export function addDelta(
  rows: Float32Array | Float64Array,
  startRow: number,
  width: number,
  delta: Delta,
  factor = 1,
): void {
  const values = new Float64Array(delta.width);
  const scale = factor * delta.scale;
  for (let i = 0; i < rows.length / width; i++) {
    const row = startRow + i - delta.firstRow;
    if (row < 0 || row >= delta.rows) continue;
    delta.fill(row, values);
    const at = i * width + delta.firstColumn;
    for (let j = 0; j < values.length; j++) rows[at + j] = rows[at + j]! + scale * values[j]!;
  }
}
