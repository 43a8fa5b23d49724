/** Moving over the points of a chart with the keyboard. */

/** A page of points is a twentieth of all. */
const PAGES = 20;

/** The index that a key leads to from `index` among `count` points; undefined for keys that do not move. */
export function movedIndex(key: string, index: number, count: number): number | undefined {
  const page = Math.max(2, Math.round(count / PAGES));
  const moves: Record<string, number> = {
    ArrowLeft: index - 1,
    ArrowDown: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index + 1,
    PageDown: index - page,
    PageUp: index + page,
    Home: 0,
    End: count - 1,
  };
  const to = moves[key];
  return to === undefined ? undefined : Math.min(count - 1, Math.max(0, to));
}
