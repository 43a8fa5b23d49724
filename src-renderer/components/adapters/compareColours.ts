/** One colour token per adapter of a comparison, the same in table and graph. */
const COLOURS = ['--chart-smooth', '--chart-compare-1', '--chart-compare-2', '--chart-compare-3', '--chart-compare-4', '--chart-validation'] as const;

export function compareColour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}
