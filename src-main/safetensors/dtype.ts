/**
 * Number formats of safetensors files and the conversions between them and float32.
 * float16 = IEEE binary16, bfloat16 = the upper half of a float32. Rounding is to nearest, ties to even; NaN stays NaN,
 * Inf stays Inf, values beyond the range become Inf, subnormals are kept. Bytes are little-endian, as every host that
 * Graft runs on.
 */

/** Formats that weights can have. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';
/** Formats known by width only, so that files with such buffers still open. */
export type OtherDtype =
  'F64' | 'I64' | 'U64' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8' | 'BOOL' | 'F8_E4M3' | 'F8_E5M2';
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

/** Bits of a float32 -> bits of the nearest float16. */
export function f16FromF32Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff); // NaN, made quiet
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  // Normal: rebias the exponent by 127 - 15; a carry out of the mantissa moves into the exponent, up to Inf.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23); // 14..24: mantissa with its hidden bit in units of 2^-24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const whole = mantissa >>> shift;
  return sign | (rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole);
}

/** Bits of a float32 -> bits of the nearest bfloat16. */
export function bf16FromF32Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff; // NaN, made quiet
  // Half an ulp less one, plus the last kept bit, carries into the upper half exactly when it must be rounded up.
  return ((bits >>> 16) + (((bits & 0xffff) + 0x7fff + ((bits >>> 16) & 1)) >>> 16)) & 0xffff;
}

/** Value of a float16 given as bits. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

let f16Table: Float32Array | undefined;

/** All 65536 float16 values; a look-up is several times faster than the arithmetic. */
function f16Values(): Float32Array {
  f16Table ??= Float32Array.from({ length: 65536 }, (_, bits) => f16Value(bits));
  return f16Table;
}

/** Widens float16 or bfloat16 (given as bits) into `out`, which has the same length. */
export function widenInto(out: Float32Array, halves: Uint16Array, dtype: 'F16' | 'BF16'): void {
  if (dtype === 'F16') {
    const table = f16Values();
    for (let i = 0; i < halves.length; i++) out[i] = table[halves[i]!]!;
    return;
  }
  const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
}

/** Casts float32 values to `dtype`; the result shares memory with `values` when `dtype` is F32. */
export function castF32(values: Float32Array, dtype: FloatDtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  if (dtype === 'F16') for (let i = 0; i < bits.length; i++) halves[i] = f16FromF32Bits(bits[i]!);
  else for (let i = 0; i < bits.length; i++) halves[i] = bf16FromF32Bits(bits[i]!);
  return new Uint8Array(halves.buffer);
}
