/**
 * The update that an adapter adds to one weight, row by row of the matrix as it is stored. Sums run in float64.
 */
import type { Cell } from '../adapters/content.ts';
import type { NamedTensor } from '../adapters/files.ts';
import type { LohaPart } from '../methods/shapes.ts';
import { lowRankFor, lowRankRow, type LowRank } from './lowRank.ts';

export interface Delta {
  scale: number;
  /** Where it lies in the stored matrix: a fused layer has other outputs beside it. */
  firstRow: number;
  rows: number;
  firstColumn: number;
  width: number;
  /** Fills `into` (width) with row `row` of the update, 0-based in the update, without the scale. */
  row(row: number, into: Float64Array): void;
}

/** The update of a cell in the orientation of its weight. The magnitude of DoRA is not part of it. */
export function deltaOf(cell: Cell): Delta {
  const { module, scale } = cell;
  const { layout, slice, inFeatures, outFeatures } = module;
  const start = slice?.start ?? 0;
  const place =
    layout === 'out_in'
      ? { firstRow: start, rows: outFeatures, firstColumn: 0, width: inFeatures }
      : { firstRow: 0, rows: inFeatures, firstColumn: start, width: outFeatures };
  return { scale, ...place, row: rowFiller(cell) };
}

function rowFiller(cell: Cell): Delta['row'] {
  const { layout } = cell.module;
  switch (cell.type) {
    case 'lora': {
      const update = lowRankFor(cell, layout);
      return (row, into) => lowRankRow(update, row, into);
    }
    case 'loha': {
      const [one, two] = [factor(cell.parts, 'hada_w1'), factor(cell.parts, 'hada_w2')].map((pair) =>
        lowRankFor(pair, layout),
      ) as [LowRank, LowRank];
      const other = new Float64Array(one.width);
      return (row, into) => {
        lowRankRow(one, row, into);
        lowRankRow(two, row, other);
        for (let j = 0; j < into.length; j++) into[j] = into[j]! * other[j]!;
      };
    }
    case 'lokr': {
      const w1 = cell.parts.lokr_w1!;
      const w2 = cell.parts.lokr_w2 ?? product(cell.parts.lokr_w2_a!, cell.parts.lokr_w2_b!);
      return kroneckerRow(w1, w2, layout === 'in_out');
    }
    default:
      return cell satisfies never;
  }
}

/** LoHa's `a` (out, r) and `b` (r, in) as LoRA's B and A. */
function factor(parts: Record<LohaPart, NamedTensor>, name: 'hada_w1' | 'hada_w2') {
  const as = (part: LohaPart) => ({ shape: parts[part].shape as [number, number], data: parts[part].data });
  return { A: as(`${name}_b`), B: as(`${name}_a`) };
}

/** Row i of W1 ⊗ W2: element j is W1[i/k, j/n]·W2[i mod k, j mod n]; with `turned`, column i. */
function kroneckerRow(
  w1: NamedTensor,
  w2: { shape: number[]; data: ArrayLike<number> },
  turned: boolean,
): Delta['row'] {
  const [, m] = w1.shape as [number, number];
  const [k, n] = w2.shape as [number, number];
  const at = (out: number, input: number): number =>
    w1.data[Math.floor(out / k) * m + Math.floor(input / n)]! * w2.data[(out % k) * n + (input % n)]!;
  return (row, into) => {
    for (let j = 0; j < into.length; j++) into[j] = turned ? at(j, row) : at(row, j);
  };
}

function product(a: NamedTensor, b: NamedTensor): { shape: number[]; data: Float64Array } {
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[1]!;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++)
      for (let j = 0; j < columns; j++) data[i * columns + j]! += a.data[i * inner + k]! * b.data[k * columns + j]!;
  return { shape: [rows, columns], data };
}

/**
 * rows += scale·(the adapter's own scale)·(the update's rows from `startRow` on). `rows`: whole rows of the stored
 * matrix, `width` wide.
 */
export function addDelta(
  rows: Float32Array | Float64Array,
  startRow: number,
  width: number,
  delta: Delta,
  scale = 1,
): void {
  const values = new Float64Array(delta.width);
  const wholeScale = scale * delta.scale;
  for (let i = 0; i < rows.length / width; i++) {
    const row = startRow + i - delta.firstRow;
    if (row < 0 || row >= delta.rows) continue;
    delta.row(row, values);
    const at = i * width + delta.firstColumn;
    for (let j = 0; j < values.length; j++) rows[at + j] = rows[at + j]! + wholeScale * values[j]!;
  }
}
