/**
 * How far the next-token distributions of a right file may lie from base + adapter, by the coarsest number format in
 * it. Rounding alone measured, as mean KL in nats, on two small models with adapters at a high rate, for which it costs
 * more than for large ones (docs/decisions.md): F32 4e-6, F16 5e-6, BF16 3e-4, Q8_0 3e-3, Q6_K 3e-3, Q5 0.06, Q4 0.34.
 * What the quantised formats cost is for the user to judge; their bounds only tell a file that is broken.
 */
const BOUNDS: Record<string, number> = {
  F32: 1e-5,
  F16: 1e-4,
  BF16: 5e-3,
  Q8_0: 0.05,
  Q6_K: 0.1,
  Q5_K: 0.5,
  Q5_1: 0.5,
  Q5_0: 0.5,
  Q4_K: 2,
  Q4_0: 2,
};

/** types: those in the file. */
export function klBoundOf(types: readonly string[]): number {
  return Math.max(...types.map((type) => BOUNDS[type] ?? BOUNDS['Q4_0']!), BOUNDS['F32']!);
}
