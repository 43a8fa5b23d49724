/** Which weights of a base are brought to their place run by run, and as which parts. */
import type { BaseModel } from '../basemodel/baseModel.ts';
import type { WeightForm, WeightPiece } from '../engine/model/weightLayout.ts';
import type { MatrixPart } from './loadMatrix.ts';

/** Smaller float32 tensors are read as a whole. */
const LARGE_BYTES = 1 << 20;

/** `fills`: the device's tensors can be filled piece by piece. */
export function isStreamed({ dtype, bytes }: WeightForm, fills: boolean): boolean {
  return dtype !== 'f32' || (fills && bytes > LARGE_BYTES);
}

export function partOf(base: BaseModel, name: string, form: WeightForm, piece: WeightPiece): MatrixPart {
  const C = form.shape.slice(1).reduce((product, n) => product * n, 1);
  return { name, info: base.tensors.get(name)!, firstRow: piece.startRow, R: piece.rows, C, format: form.dtype };
}
