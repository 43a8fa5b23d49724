/**
 * The update dW = W' - W of each layer that an adapter changes, in the orientation (out, in) whatever the checkpoint's
 * own, and decomposed. LoRA's s·BA is never multiplied out: QR of B and of A^T, then an r x r problem.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../src-shared/random.ts';
import { partOf, type AdapterContent, type Cell } from '../adapters/content.ts';
import type { LinearModule } from '../engine/model/architecture.ts';
import type { BaseModel, BaseTensor } from '../basemodel/baseModel.ts';
import { principalComponents } from '../linalg/principalComponents.ts';
import { thinQr, type ThinQr } from '../linalg/qr.ts';
import { leftSvd, svd, type Svd } from '../linalg/svd.ts';
import { addScaled, columnsOf, dot, product, transposed } from '../linalg/vectors.ts';
import { mergedEdits } from '../merging/edits.ts';
import { readRowsF32, rowsOf } from '../safetensors/read.ts';

/** Narrowest side up to which an update that is no product of two thin matrices is decomposed whole. */
export const WHOLE_UP_TO = 512;
/** Singular values that are computed of a larger one. */
export const OF_LARGER = 64;

/** dW = left·right^T: s·B (out, r) and A^T (in, r), as columns. */
export interface Factors {
  left: Float64Array[];
  right: Float64Array[];
}

interface Values {
  /** Singular values, descending; of a large dense update the largest ones only. */
  S: Float64Array;
  /** ||dW||_F^2, whatever S leaves out. */
  squaredNorm: number;
}

/** dW of one weight: (out, in). */
export interface Update {
  /** As in the checkpoint, without `.weight`. */
  name: string;
  weight: BaseTensor;
  out: number;
  in: number;
  /** Whether the checkpoint stores the transpose, (in, out). */
  turned: boolean;
  /** LoRA's own rank and factors; absent where dW has none. */
  lowRank?: { rank: number; scale: number; factors(): Factors };
  /** U·diag(S)·V^T = dW. */
  decompose(): Promise<Svd & Values>;
  /** S by itself, in half the time. */
  singularValues(): Promise<Values>;
  /** dW itself, row by row: (out, in). */
  dense(): Float64Array;
  /** W, likewise. */
  weightRows(): Float64Array;
}

/** In the order of the checkpoint. Empty for a method that changes no weight matrix. */
export function updatesOf(content: AdapterContent, base: BaseModel): Update[] {
  const cells = Map.groupBy(content.cells, ({ module }) => module.weight);
  return [...base.tensors.values()].flatMap((weight) => {
    const here = cells.get(weight.name);
    if (!here || weight.shape.length !== 2) return [];
    const [cell] = here;
    if (isPlainLora(here)) return [lowRankUpdate(weight, cell!)];
    return [denseUpdate(weight, cell!.module, () => changeOf(weight, content))];
  });
}

/** One pair for the whole matrix, which is added and nothing else. */
function isPlainLora(cells: Cell[]): boolean {
  const [{ module, parts }] = cells as [Cell];
  const { lora_A, lora_B, ...others } = parts;
  return cells.length === 1 && !module.slice && !!lora_A && !!lora_B && Object.keys(others).length === 0;
}

function lowRankUpdate(weight: BaseTensor, cell: Cell): Update {
  const { inFeatures, outFeatures } = cell.module;
  const [A, B] = [partOf(cell, 'lora_A'), partOf(cell, 'lora_B')];
  const rank = A.shape[0]!;
  // Made when they are asked for, and let go: those of all layers at once would take three times the adapter's memory.
  const factors = (): Factors => {
    const left = columnsOf(B.data, outFeatures, rank);
    for (const column of left) for (let i = 0; i < column.length; i++) column[i] = column[i]! * cell.scale;
    const row = (k: number): Float32Array => A.data.subarray(k * inFeatures, (k + 1) * inFeatures);
    return { left, right: Array.from({ length: rank }, (_, k) => new Float64Array(row(k))) };
  };
  return {
    name: nameOf(weight),
    weight,
    out: outFeatures,
    in: inFeatures,
    turned: cell.module.layout === 'in_out',
    lowRank: { rank, scale: cell.scale, factors },
    async decompose() {
      const svd = productSvd(factors(), outFeatures, inFeatures);
      return { ...svd, squaredNorm: dot(svd.S, svd.S) };
    },
    async singularValues() {
      const { core } = coreOf(factors(), outFeatures, inFeatures);
      const { S } = leftSvd(core.length > core[0]!.length ? transposed(core, core[0]!.length) : core);
      return { S, squaredNorm: dot(S, S) };
    },
    dense: () => productRows(factors(), outFeatures, inFeatures),
    weightRows: () => weightRows(weight, cell.module.layout === 'in_out'),
  };
}

/** Singular values and vectors of left·right^T; left: (rows, r), right: (columns, r). */
export function productSvd(factors: Factors, rows: number, columns: number): Svd {
  const { L, R, core } = coreOf(factors, rows, columns);
  const { U, S, V } = svd(core, L.n);
  return { U: product(L.Q(), rows, U), S, V: product(R.Q(), columns, V) };
}

/** left·right^T = Q_L·core·Q_R^T. */
function coreOf(
  { left, right }: Factors,
  rows: number,
  columns: number,
): { L: ThinQr; R: ThinQr; core: Float64Array[] } {
  const [L, R] = [thinQr(left, rows), thinQr(right, columns)];
  return { L, R, core: product(L.R, L.n, transposed(R.R, R.n)) };
}

/** left·right^T row by row: (rows, columns). */
function productRows({ left, right }: Factors, rows: number, columns: number): Float64Array {
  const all = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const row = all.subarray(i * columns, (i + 1) * columns);
    left.forEach((column, k) => addScaled(row, right[k]!, column[i]!));
  }
  return all;
}

/** `values`: W' - W as the checkpoint stores W. */
export function denseUpdate(
  weight: BaseTensor,
  { layout }: Pick<LinearModule, 'layout'>,
  values: () => Float64Array,
): Update {
  const turned = layout === 'in_out';
  const { rows, width } = rowsOf(weight);
  const [out, inputs] = turned ? [width, rows] : [rows, width];
  const decompose = async (): Promise<Svd & Values> => {
    const all = values();
    const svd = await denseSvd(all, rows, width, nameOf(weight));
    return { ...(turned ? flipped(svd) : svd), squaredNorm: dot(all, all) };
  };
  return {
    name: nameOf(weight),
    weight,
    out,
    in: inputs,
    turned,
    dense: () => (turned ? turnedRows(values(), rows, width) : values()),
    weightRows: () => weightRows(weight, turned),
    decompose,
    singularValues: decompose,
  };
}

function weightRows(weight: BaseTensor, turned: boolean): Float64Array {
  const { rows, width } = rowsOf(weight);
  const values = Float64Array.from(readRowsF32(weight, 0, rows));
  return turned ? turnedRows(values, rows, width) : values;
}

/** The transpose of (rows, width), row by row. */
function turnedRows(values: Float64Array, rows: number, width: number): Float64Array {
  const turned = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < width; j++) turned[j * rows + i] = values[i * width + j]!;
  return turned;
}

/** W' - W as it is stored, in float64. */
function changeOf(weight: BaseTensor, content: AdapterContent): Float64Array {
  const { rows } = rowsOf(weight);
  const before = readRowsF32(weight, 0, rows);
  const after = Float64Array.from(before);
  mergedEdits(content)(weight)?.(after, 0);
  for (let i = 0; i < after.length; i++) after[i] = after[i]! - before[i]!;
  return after;
}

/** Whole up to WHOLE_UP_TO, else the OF_LARGER largest. `label` seeds the start of the iteration. */
export async function denseSvd(values: Float64Array, rows: number, width: number, label: string): Promise<Svd> {
  if (Math.min(rows, width) <= WHOLE_UP_TO) {
    const columns = columnsOf(values, rows, width);
    return rows >= width ? tallSvd(columns, rows) : flipped(tallSvd(transposed(columns, rows), width));
  }
  const W = tf.tensor2d(Float32Array.from(values), [rows, width]);
  const { U, S, V } = await principalComponents(W, OF_LARGER, Random.stream(0, label));
  W.dispose();
  return {
    U: columnsOf(U, rows, S.length),
    S,
    V: Array.from({ length: S.length }, (_, k) => V.slice(k * width, (k + 1) * width)),
  };
}

/** QR first, so that the rotations turn columns of the narrower side's length. */
function tallSvd(columns: Float64Array[], rows: number): Svd {
  const { Q, R, n } = thinQr(columns, rows);
  const { U, S, V } = svd(R, n);
  return { U: product(Q(), rows, U), S, V };
}

function flipped({ U, S, V }: Svd): Svd {
  return { U: V, S, V: U };
}

function nameOf({ name }: BaseTensor): string {
  return name.replace(/\.weight$/, '');
}
