/** The first bad rows of a file, and how many there are: a file of millions of them must not fill the memory. */
import type { BadRow } from '../../src-shared/datasets.ts';

const MOST_KEPT = 1000;
/** Of a reason, which may name a column of any length. */
const MOST_CHARS = 500;

/** The first of `rows` by line. */
export function firstBadRows<Row extends BadRow>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => a.line - b.line).slice(0, MOST_KEPT);
}

export class BadRows<Row extends BadRow = BadRow> {
  readonly kept: Row[] = [];
  count = 0;

  /** Rows come in file order. */
  add(row: Row): void {
    this.count++;
    if (this.kept.length === MOST_KEPT) return;
    const { reason } = row;
    this.kept.push(reason.length > MOST_CHARS ? { ...row, reason: `${reason.slice(0, MOST_CHARS)}…` } : row);
  }
}
