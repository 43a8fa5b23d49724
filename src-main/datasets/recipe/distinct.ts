/** The different values of a column, counted. */
import type { DistinctValues } from '../../../src-shared/recipes.ts';
import type { RowIndex } from '../rowIndex.ts';
import { textOf } from './texts.ts';

/** A column with more has texts, not values. */
const MOST_DISTINCT = 10_000;
const MOST_LISTED = 200;
/** Characters of a value that can be listed. */
const MOST_CHARS = 500;

export async function distinctValues(index: RowIndex, column: string, onRow: () => void): Promise<DistinctValues> {
  const counts = new Map<string, number>();
  let complete = true;
  for await (const { values } of index.rows()) {
    onRow();
    const value = textOf(values[column]);
    const count = counts.get(value);
    if (count === undefined && (counts.size === MOST_DISTINCT || value.length > MOST_CHARS)) {
      complete = false;
      if (counts.size === MOST_DISTINCT) break;
      continue;
    }
    counts.set(value, (count ?? 0) + 1);
  }
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, MOST_LISTED);
  return { values, distinct: counts.size, complete };
}
