/**
 * In which form each weight of a model is kept on a device, and in how many pieces: no buffer may be larger than what
 * the device binds at once. Pure arithmetic on shapes; loader, planner and the check before a run all ask here.
 */
import type { BaseDtype, BaseForms } from '../../../src-shared/baseDtypes.ts';
import type { Target } from '../../../src-shared/targets.ts';
import { packedLayout } from '../packed/formats.ts';
import { type ArchitectureSpec, linearModules } from './architecture.ts';
import { headName, tokenEmbeddingName, untiedHeadName } from './tensorNames.ts';

/** Rows startRow … startRow + rows of a weight, in one buffer; each piece of a packed matrix is packed by itself. */
export interface WeightPiece {
  startRow: number;
  rows: number;
  bytes: number;
}

export interface WeightForm {
  shape: number[];
  dtype: BaseDtype;
  /** Of all pieces. */
  bytes: number;
  /** In the order of the rows; one piece is the whole. */
  pieces: WeightPiece[];
}

/** Rows of a piece are a multiple of this where there are as many: products take vectors and whole tiles then. */
const EVEN_ROWS = 64;

/**
 * By name, in the order of `tensors`, every tensor that the model keeps. `mostBytes`: what the device binds at once. A
 * row of a matrix is never divided.
 */
export function weightLayout(
  spec: ArchitectureSpec,
  tensors: Iterable<[name: string, { shape: number[] }]>,
  forms: BaseForms,
  mostBytes: number,
): Map<string, WeightForm> {
  const dtypes = dtypesByName(spec, forms);
  const layout = new Map<string, WeightForm>();
  for (const [name, { shape }] of tensors) {
    if (spec.tiedHead && name === untiedHeadName(spec)) continue; // some files hold the embedding a second time
    layout.set(name, weightForm(shape, dtypes.get(name) ?? 'f32', mostBytes));
  }
  return layout;
}

/** The weights that are not float32. */
function dtypesByName(
  spec: ArchitectureSpec,
  { baseDtype = 'f32', embeddingDtype = 'f32' }: BaseForms,
): Map<string, BaseDtype> {
  return new Map<string, BaseDtype>([
    ...linearModules(spec).map(({ weight }) => [weight, baseDtype] as const),
    [tokenEmbeddingName(spec), embeddingDtype],
    [headName(spec), embeddingDtype],
  ]);
}

/** A matrix in the fewest pieces of like size that the device binds; a vector stays whole. */
export function weightForm(shape: number[], dtype: BaseDtype, mostBytes: number): WeightForm {
  const [R = 1, ...others] = shape;
  const C = others.reduce((a, b) => a * b, 1);
  const bytesOf = (rows: number): number => (dtype === 'f32' ? 4 * rows * C : 4 * packedLayout(dtype, rows, C).words);
  const most = shape.length > 1 ? mostRows(R, bytesOf, mostBytes) : R;
  const alike = Math.ceil(R / Math.ceil(R / most));
  const even = EVEN_ROWS * Math.ceil(alike / EVEN_ROWS);
  const perPiece = even <= most ? even : alike;
  const pieces: WeightPiece[] = [];
  for (let startRow = 0; startRow < R; startRow += perPiece) {
    const rows = Math.min(perPiece, R - startRow);
    pieces.push({ startRow, rows, bytes: bytesOf(rows) });
  }
  return { shape, dtype, bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0), pieces };
}

/** The most rows, at least one and at most R, that take no more than `mostBytes`. */
function mostRows(R: number, bytesOf: (rows: number) => number, mostBytes: number): number {
  let [low, high] = [1, R];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytesOf(middle) <= mostBytes) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What a forward pass makes in one buffer, whatever the pieces of the weights. */
export interface ActivationSize {
  what: string;
  /** Of each token in the micro-batch. */
  bytesPerToken: number;
}

/**
 * The largest result of a layer in a forward pass, float32. `mlpByRows`: the MLP goes through the tokens some at a time
 * (gradient checkpointing), so that only attention counts. The streamed loss holds logits of as many tokens as fit.
 */
export function largestActivation(spec: ArchitectureSpec, mlpByRows: boolean): ActivationSize {
  const sizes = linearModules(spec)
    .filter(({ layer, slice, target }) => layer === 0 && !slice && !(mlpByRows && !ATTENTION.has(target)))
    .map(({ module, inFeatures, outFeatures }): ActivationSize => ({
      what: `values of ${module.split('.').at(-1)}`,
      bytesPerToken: 4 * Math.max(inFeatures, outFeatures),
    }));
  return sizes.reduce((most, size) => (size.bytesPerToken > most.bytesPerToken ? size : most), {
    what: 'values of the residual stream',
    bytesPerToken: 4 * spec.hidden,
  });
}

const ATTENTION = new Set<Target>(['q', 'k', 'v', 'qkv', 'o']);
