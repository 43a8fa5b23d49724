/** How adapters or runs that are compared are told apart. */
import { formatDate } from '../lib/format.ts';

/** One colour token for each, the same in table and graph; a tenth begins again. */
const COLOURS = [
  '--chart-smooth',
  '--chart-compare-1',
  '--chart-compare-2',
  '--chart-compare-3',
  '--chart-compare-4',
  '--chart-compare-5',
  '--chart-compare-6',
  '--chart-compare-7',
  '--chart-compare-8',
] as const;

export function compareColour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

/** Distinct names: those that share one get their date, and a number where even the dates are equal. */
export function distinctNames(all: readonly { name: string; createdAt: string }[]): string[] {
  const dated = all.map(({ name, createdAt }) =>
    all.filter((other) => other.name === name).length > 1 ? `${name}, ${formatDate(createdAt)}` : name,
  );
  return dated.map((name, i) =>
    dated.indexOf(name) === dated.lastIndexOf(name)
      ? name
      : `${name} (${dated.slice(0, i + 1).filter((other) => other === name).length})`,
  );
}
