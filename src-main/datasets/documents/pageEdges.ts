/**
 * Headers, footers and page numbers: lines at the top or bottom of a page that stand on many pages, numbers aside.
 * Documents of one or two pages keep all their lines.
 */
import type { Line } from './pdfLines.ts';

const EDGE_LINES = 2;
const LEAST_PAGES = 3;
/** Even and odd pages often have headers of their own. */
const LEAST_SHARE = 1 / 3;

export function dropPageEdges(pages: Line[][]): { kept: Line[][]; dropped: number } {
  const edges = pages.map((lines) => edgesOf(lines));
  const counts = new Map<string, number>();
  for (const page of edges) for (const key of new Set(page.values())) counts.set(key, (counts.get(key) ?? 0) + 1);
  const filled = pages.filter((lines) => lines.length > 0).length;
  const least = Math.max(LEAST_PAGES, filled * LEAST_SHARE);
  let dropped = 0;
  const kept = pages.map((lines, page) =>
    lines.filter((line) => {
      const key = edges[page]!.get(line);
      const repeats = key !== undefined && counts.get(key)! >= least;
      if (repeats) dropped++;
      return !repeats;
    }),
  );
  return { kept, dropped };
}

/** The outermost lines of a page by their height on it, each with what it says, numbers aside. */
function edgesOf(lines: readonly Line[]): Map<Line, string> {
  const down = [...lines].sort((a, b) => b.y - a.y);
  const top = down.slice(0, EDGE_LINES).map((line) => [line, `top ${shape(line)}`] as const);
  const bottom = down.slice(-EDGE_LINES).map((line) => [line, `bottom ${shape(line)}`] as const);
  return new Map([...bottom, ...top]);
}

function shape({ text }: Line): string {
  return text.toLowerCase().replace(/\d+/g, '#').replace(/\s+/g, '');
}
