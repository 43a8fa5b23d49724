/** Logarithmic axes: where values lie and which ticks are drawn. */

/** Values at which an axis has lines and labels, with the range it covers. */
export interface Axis {
  from: number;
  to: number;
  ticks: number[];
}

const STEPS = [1, 2, 5];
/** More would run into each other on a plot of this size. */
const MOST_TICKS = 7;

/** Share of the way from `from` to `to`, by logarithms: 0 at `from`, 1 at `to`. */
export function logPosition(value: number, { from, to }: Pick<Axis, 'from' | 'to'>): number {
  return Math.log(value / from) / Math.log(to / from);
}

/**
 * An axis over all values with ticks at 1, 2 and 5 times powers of ten; its ends are ticks just outside the values.
 * Values > 0.
 */
export function logAxis(values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const candidates: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)) + 1; power++) {
    candidates.push(...STEPS.map((step) => Number(`${step}e${power}`)));
  }
  const first = candidates.findLastIndex((tick) => tick <= low);
  let last = candidates.findIndex((tick) => tick >= high);
  if (last === first) last++;
  return thinned(candidates.slice(first, last + 1));
}

/** An axis whose ticks are the measured values themselves, with a little room on both sides. */
export function valueAxis(values: readonly number[]): Axis {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  const room = 1.12;
  return { from: ticks[0]! / room, to: ticks.at(-1)! * room, ticks };
}

function thinned(ticks: number[]): Axis {
  const range = { from: ticks[0]!, to: ticks.at(-1)! };
  const powers = ticks.filter((tick) => /^1(e|0*$)|^0\.0*1$/.test(String(tick)));
  return { ...range, ticks: ticks.length > MOST_TICKS && powers.length > 1 ? powers : ticks };
}
