/** Rounding to a weight's type, written from the definition: the nearest value, ties to the even one. */

/** Bits of precision with the hidden one, and the exponent of the smallest normal value. */
const FORMATS: Record<string, { precision: number; least: number }> = {
  F32: { precision: 24, least: -126 },
  F16: { precision: 11, least: -14 },
  BF16: { precision: 8, least: -126 },
};

/** A weight is rounded to float32 and then to its type, as PyTorch does it. */
export function rounded(value: number, dtype: string): number {
  const single = nearest(value, FORMATS['F32']!);
  return dtype === 'F32' ? single : nearest(single, FORMATS[dtype]!);
}

function nearest(value: number, { precision, least }: { precision: number; least: number }): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(exponentOf(value), least);
  const step = 2 ** (exponent - precision + 1);
  const steps = value / step;
  const below = Math.floor(steps);
  const up = steps - below > 0.5 || (steps - below === 0.5 && below % 2 !== 0);
  return (up ? below + 1 : below) * step;
}

const view = new DataView(new ArrayBuffer(8));

/** floor(log2 |value|) of a normal double. */
function exponentOf(value: number): number {
  view.setFloat64(0, value);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}
