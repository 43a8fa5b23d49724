/**
 * Number formats of safetensors files and the conversions between them and float32.
 * float16 = IEEE binary16, bfloat16 = the upper half of a float32. Rounding is to nearest, ties to even; NaN stays NaN,
 * Inf stays Inf, values beyond the range become Inf, subnormals are kept. Bytes are little-endian, as every host that
 * Graft runs on.
 */
/// <reference lib="esnext.float16" />

/** Formats that weights can have. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';
/** Formats known by width only, so that files with such buffers still open. */
type OtherDtype = 'F64' | 'I64' | 'U64' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8' | 'BOOL' | 'F8_E4M3' | 'F8_E5M2';
export type Dtype = FloatDtype | OtherDtype;

/** Bytes per element. */
export const DTYPE_BYTES: Record<Dtype, number> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

/** The lower-case names used by settings and the command line. */
export type DtypeName = 'f32' | 'f16' | 'bf16';
export const FLOAT_DTYPES = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const satisfies Record<DtypeName, FloatDtype>;
/** PyTorch's names, as config.json spells them. */
export const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const satisfies Record<
  FloatDtype,
  string
>;

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Bits of a float32 -> bits of the nearest bfloat16. */
export function bf16FromF32Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff; // NaN, made quiet
  // Half an ulp less one, plus the last kept bit, carries into the upper half exactly when it must be rounded up.
  return ((bits >>> 16) + (((bits & 0xffff) + 0x7fff + ((bits >>> 16) & 1)) >>> 16)) & 0xffff;
}

/** Widens float16 or bfloat16 (given as bits) into `out`, which has the same length. */
export function widenInto(out: Float32Array, halves: Uint16Array, dtype: 'F16' | 'BF16'): void {
  if (dtype === 'F16') {
    const values = new Float16Array(halves.buffer, halves.byteOffset, halves.length);
    for (let i = 0; i < values.length; i++) out[i] = values[i]!; // `set` takes twice as long
    return;
  }
  const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
}

/** Casts float32 values to `dtype`; the result shares memory with `values` when `dtype` is F32. */
export function castF32(values: Float32Array, dtype: FloatDtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === 'F16') {
    const halves = new Float16Array(values.length);
    for (let i = 0; i < values.length; i++) halves[i] = values[i]!; // the constructor takes eight times as long
    return new Uint8Array(halves.buffer);
  }
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) halves[i] = bf16FromF32Bits(bits[i]!);
  return new Uint8Array(halves.buffer);
}
