/** Which point a click means. */
import { lowerBound } from './column.ts';
import type { Line } from './drawn.ts';

/** A click may miss by this much. */
const REACH_PX = 6;

export interface Click {
  step: number;
  stepsPerPixel: number;
  value: number;
  valuesPerPixel: number;
}

/**
 * The step of the point that lies closest to the click on the screen, a few pixels off at most along x; undefined where
 * there is none.
 */
export function pickedStep(line: Line, click: Click): number | undefined {
  const reach = REACH_PX * click.stepsPerPixel;
  const to = lowerBound(line.steps, click.step + reach);
  let best: number | undefined;
  let bestDistance = Infinity;
  for (let i = lowerBound(line.steps, click.step - reach); i < to; i++) {
    const step = line.steps[i] ?? NaN;
    const distance = Math.hypot(
      (step - click.step) / click.stepsPerPixel,
      ((line.values[i] ?? NaN) - click.value) / click.valuesPerPixel,
    );
    if (distance < bestDistance) [best, bestDistance] = [step, distance];
  }
  return best;
}
