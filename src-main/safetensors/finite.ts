/** Whether an array holds a NaN or an Inf. */

export function allFinite(values: Float32Array): boolean {
  // NaN as soon as one is not finite; many times faster than asking each. Four sums do not wait for each other.
  let [s, t, u, v] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s += values[i]! * 0;
    t += values[i + 1]! * 0;
    u += values[i + 2]! * 0;
    v += values[i + 3]! * 0;
  }
  for (let i = whole; i < values.length; i++) s += values[i]! * 0;
  return s + t + u + v === 0;
}
