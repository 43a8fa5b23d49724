/** How the base's linear layers are kept in memory. Names of settings and command line; `f32` is an ordinary tensor. */
export const BASE_DTYPES = ['f32', 'f16', 'bf16', 'int8', 'nf4'] as const;
export type BaseDtype = (typeof BASE_DTYPES)[number];
