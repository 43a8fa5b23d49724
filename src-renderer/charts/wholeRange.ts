/** Which steps a chart shows where nothing is zoomed. */
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
