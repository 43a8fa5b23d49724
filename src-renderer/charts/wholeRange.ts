/** What of the x axis a chart shows where nothing is zoomed. */
import type { Range } from './drawn.ts';

/**
 * All steps of a run that is over. While one trains: twice as many each time that its line reaches the right edge, up
 * to all; a long run would else begin as a speck on the left.
 */
export function wholeRange({
  first,
  last,
  total,
  active,
}: {
  first: number;
  last: number;
  total: number;
  active: boolean;
}): Range {
  const least = Math.max(first + 1, last);
  if (!active) return { min: first, max: least };
  let room = 20;
  while (room < last * 1.05) room *= 2;
  return { min: first, max: Math.max(least, Math.min(total, room)) };
}

/**
 * The same on another axis than that of steps: all so far and, while the run trains, as much room as `steps` leaves.
 */
export function wholeOn(steps: Range, lastStep: number, lastX: number): Range {
  const room = lastStep > 0 ? Math.max(1, steps.max / lastStep) : 1;
  return { min: 0, max: lastX > 0 ? lastX * room : 1 };
}
