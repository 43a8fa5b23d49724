/** Whether numbers are still numbers. */

/** Index of the first NaN or infinity, -1 where there is none. */
export function firstNotFinite(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0; // 0 for every finite value, NaN for all others
  return sum === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value));
}
