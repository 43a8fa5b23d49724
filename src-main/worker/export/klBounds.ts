/**
 * How far the next-token distributions of a right file may lie apart, as mean KL in nats, measured on small models with
 * adapters at a high rate, for which rounding costs more than for large ones (docs/decisions.md).
 */

/** Of llama.cpp from base + adapter: measured 3e-12, 4e-6 and 3e-4. */
const FLOAT_BOUNDS: Record<string, number> = { F32: 1e-5, F16: 1e-4, BF16: 5e-3 };

/**
 * Of llama.cpp from Graft's engine on the same quantised file: llama.cpp also rounds what a layer reads, to eight bits,
 * which measured 0.7e-3 to 2e-3 for all formats alike. What the weights' own rounding costs is reported, and is for the
 * user to judge: it measured 0.002 for Q8_0 and 0.34 for Q4_0, and has no bound that a broken file would not also keep.
 */
const QUANTISED_BOUND = 0.1;

/** types: those in the file. */
export function klBoundOf(types: readonly string[]): { bound: number; of: 'adapter' | 'file' } {
  if (types.some((type) => FLOAT_BOUNDS[type] === undefined)) return { bound: QUANTISED_BOUND, of: 'file' };
  return { bound: Math.max(...types.map((type) => FLOAT_BOUNDS[type]!)), of: 'adapter' };
}
