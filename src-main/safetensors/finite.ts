/** Whether an array holds a NaN or an Inf. */

const EXPONENT = 0x7f800000;
/** Added to an exponent of ones only, it reaches the sign. */
const LOWEST = 0x00800000;

export function allFinite({ buffer, byteOffset, length }: Float32Array): boolean {
  // In whole numbers: half the time of multiplying by zero. Four results do not wait for each other.
  const bits = new Int32Array(buffer, byteOffset, length);
  let [s, t, u, v] = [0, 0, 0, 0];
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    s |= (bits[i]! & EXPONENT) + LOWEST;
    t |= (bits[i + 1]! & EXPONENT) + LOWEST;
    u |= (bits[i + 2]! & EXPONENT) + LOWEST;
    v |= (bits[i + 3]! & EXPONENT) + LOWEST;
  }
  for (let i = whole; i < length; i++) s |= (bits[i]! & EXPONENT) + LOWEST;
  return (s | t | u | v) >= 0;
}
