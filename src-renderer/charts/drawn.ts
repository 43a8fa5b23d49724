/**
 * What is drawn of several lines over one range of steps: few points each, laid out in the columns that uPlot wants.
 */
import { lowerBound } from './column.ts';
import { decimate } from './decimate.ts';

/** Values by ascending step, or by another x that rises with it; NaN is a gap. */
export interface Line {
  steps: Float64Array;
  values: Float64Array;
}

export interface Range {
  min: number;
  max: number;
}

/** x, then one column a line: null is a gap in the line, undefined a step at which only others have a point. */
export type Drawn = [number[], ...(number | null | undefined)[][]];

/**
 * `pixels` is the width of the plot. A point on either side of the range is kept, so that lines run to the edges.
 * A line over the very steps of one before it is drawn at that one's points: smoothed values hardly differ within a
 * pixel. On a logarithmic axis values up to 0 have no place and are gaps.
 */
export function drawn(lines: readonly Line[], range: Range, pixels: number, log: boolean): Drawn {
  const keptOf = new Map<Float64Array, number[]>();
  const parts = lines.map((line) => {
    const known = keptOf.get(line.steps);
    if (known) return known;
    const from = Math.max(0, lowerBound(line.steps, range.min) - 1);
    const to = Math.min(line.steps.length, lowerBound(line.steps, range.max) + 1);
    const kept = decimate(line.steps, line.values, from, to, Math.max(1, Math.round(pixels)));
    keptOf.set(line.steps, kept);
    return kept;
  });
  const x = union(Array.from(keptOf, ([steps, kept]) => Float64Array.from(kept, (index) => steps[index] ?? NaN)));
  const columns = lines.map((line, i) => column(line, parts[i] ?? [], x, log));
  return [x, ...columns];
}

/** All different steps, ascending. */
function union(parts: Float64Array[]): number[] {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  const different: number[] = [];
  for (const step of all) if (step !== different.at(-1)) different.push(step);
  return different;
}

function column(line: Line, kept: number[], x: number[], log: boolean): (number | null | undefined)[] {
  let next = 0;
  return x.map((step) => {
    let index = kept[next];
    // Of points at one x, as two steps within a millisecond, the first is drawn.
    while (index !== undefined && line.steps[index]! < step) index = kept[++next];
    if (index === undefined || line.steps[index] !== step) return undefined;
    next += 1;
    const value = line.values[index] ?? NaN;
    return Number.isNaN(value) || (log && value <= 0) ? null : value;
  });
}
