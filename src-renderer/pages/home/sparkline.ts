/** A small line as the points of an SVG polyline. */

/** Points of `values` by `steps` in a box of this size, the largest value at the top; one value is a level line. */
export function sparkPoints(line: readonly { step: number; loss: number }[], width: number, height: number): string {
  const first = line[0];
  if (!first) return '';
  if (line.length === 1) return `0,${height / 2} ${width},${height / 2}`;
  const span = Math.max(1, (line.at(-1)?.step ?? 0) - first.step);
  const losses = line.map(({ loss }) => loss);
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const y = (loss: number): number => (most === least ? height / 2 : ((most - loss) / (most - least)) * height);
  return line.map(({ step, loss }) => `${round(((step - first.step) / span) * width)},${round(y(loss))}`).join(' ');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
