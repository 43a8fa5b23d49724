/** Float32 rows as the bytes of a ggml type: F32, F16, BF16, Q8_0 and Q4_0 by Graft, the others by ggml itself. */
import { GraftError } from '../../../src-shared/errors.ts';
import { castF32, type FloatDtype } from '../../safetensors/dtype.ts';
import { allFinite } from '../../safetensors/finite.ts';
import { openGgml, type Ggml } from '../../llamacpp/ggml.ts';
import { GGML_TYPES, rowBytes, type GgmlTypeName } from '../ggmlTypes.ts';
import { q4_0 } from './q4_0.ts';
import { q8_0 } from './q8_0.ts';

/** rows: whole rows of `width` values. `tensor`: its name, for errors. */
export type Encode = (rows: Float32Array, width: number, tensor: string) => Promise<Uint8Array>;

/** The types that need nothing but Graft. */
export const OWN_TYPES: readonly GgmlTypeName[] = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'];

/**
 * What encodes these types; each throws WEIGHT_NOT_FINITE for NaN and Inf, and WEIGHT_OVERFLOW for a value that does
 * not fit. Throws GraftError LLAMACPP_ABSENT where a type needs ggml and there is none.
 */
export async function encodersFor(types: readonly GgmlTypeName[]): Promise<(type: GgmlTypeName) => Encode> {
  const ggml = types.every((type) => OWN_TYPES.includes(type)) ? undefined : await openGgml();
  return (type) => async (rows, width, tensor) => {
    if (!allFinite(rows)) throw notFinite(tensor);
    return encode(type, rows, width, tensor, ggml);
  };
}

async function encode(
  type: GgmlTypeName,
  rows: Float32Array,
  width: number,
  tensor: string,
  ggml?: Ggml,
): Promise<Uint8Array> {
  if (type === 'F32' || type === 'F16' || type === 'BF16') return cast(rows, type, tensor);
  const at = firstBeyond(rows, LARGEST_F16);
  if (at >= 0) throw tooLarge(tensor, rows[at]!, type);
  if (type === 'Q8_0') return q8_0(rows);
  if (type === 'Q4_0') return q4_0(rows);
  const bytes = new Uint8Array((rows.length / width) * rowBytes(type, width));
  await ggml!.quantise(GGML_TYPES[type].id, rows, width, bytes);
  return bytes;
}

/** Blocks have a float16 scale, which holds the scale of any values up to this. */
const LARGEST_F16 = 65504;

function firstBeyond(rows: Float32Array, limit: number): number {
  for (let i = 0; i < rows.length; i++) if (Math.abs(rows[i]!) > limit) return i;
  return -1;
}

function cast(rows: Float32Array, type: FloatDtype, tensor: string): Uint8Array {
  const bytes = castF32(rows, type);
  if (type === 'F32') return bytes;
  // All bits of the exponent set: Inf, which no finite value becomes unless it is too large.
  const exponent = type === 'F16' ? 0x7c00 : 0x7f80;
  const halves = new Uint16Array(bytes.buffer);
  const at = halves.findIndex((bits) => (bits & exponent) === exponent);
  if (at >= 0) throw tooLarge(tensor, rows[at]!, type);
  return bytes;
}

function tooLarge(tensor: string, value: number, type: GgmlTypeName): GraftError {
  return new GraftError(
    'WEIGHT_OVERFLOW',
    `Tensor ${tensor} holds ${value}, which does not fit ${type}; export as ` +
      `${type === 'BF16' ? 'F32' : 'BF16 or F32'} instead.`,
    { tensor, value, dtype: type },
  );
}

function notFinite(tensor: string): GraftError {
  return new GraftError(
    'WEIGHT_NOT_FINITE',
    `Tensor ${tensor} would hold NaN or Inf; check the adapter and the base model.`,
    { tensor },
  );
}
