/** One line of a chart: what it is called, how it looks and what it holds. */
import { lowerBound } from './column.ts';
import type { Line } from './drawn.ts';

/**
 * `raw`: thin, with points where there is room. `smooth`: strong. `dashed`: few values, a point each. `ringed`: points
 * only, as rings.
 */
export type Look = 'raw' | 'smooth' | 'dashed' | 'ringed';

export interface ChartLine extends Line {
  label: string;
  /** Colour token. */
  colour: string;
  look: Look;
}

/** The value at a step, or the last one before it; undefined where there is none. */
export function valueAt(line: Line, step: number): number | undefined {
  const at = lowerBound(line.steps, step + 1) - 1;
  const value = line.values[at];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
