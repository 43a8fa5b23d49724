/**
 * Lengths in tokens of the 64 examples of `real`: log-normal, median 60, sigma 0.7, cut to 8..256 (numpy's
 * default_rng(64)). Kept as numbers so that every system and every version sees the same ones.
 */
export const REAL_LENGTHS: readonly number[] = [
  42, 53, 22, 93, 154, 143, 30, 60, 49, 46, 72, 31, 24, 37, 31, 103, 58, 108, 84, 44, 26, 40, 112, 94, 53, 90, 53, 25,
  214, 79, 31, 17, 116, 70, 95, 197, 256, 61, 144, 70, 23, 151, 73, 63, 74, 44, 239, 256, 164, 53, 22, 109, 37, 59, 112,
  49, 63, 50, 40, 110, 57, 165, 56, 90,
];
