/** Names of formats and dtypes as numbers: indices into PACKED_FORMATS and SOURCE_DTYPES of ../kernels.ts. */
export const F16: i32 = 0;
export const BF16: i32 = 1;
export const INT8: i32 = 2;
export const NF4: i32 = 3;

export const FROM_F32: i32 = 0;
export const FROM_F16: i32 = 1;
export const FROM_BF16: i32 = 2;

/** Values of a row that share one absolute maximum in NF4. */
export const NF4_BLOCK: i32 = 64;

/** Bytes that four neighbouring values of a row take. */
// @ts-ignore: decorator
@inline
export function quadBytes(format: i32): i32 {
  return format == NF4 ? 2 : format == INT8 ? 4 : 8;
}
