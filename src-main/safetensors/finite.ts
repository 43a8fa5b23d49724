/** Whether an array holds a NaN or an Inf. */

export function allFinite(values: Float32Array): boolean {
  let zeros = 0;
  // NaN as soon as one is not finite; many times faster than asking each
  for (let i = 0; i < values.length; i++) zeros += values[i]! * 0;
  return zeros === 0;
}
