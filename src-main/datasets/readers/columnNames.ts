/** The first column names of a file, in order of appearance; rows may invent new ones without end. */
import { isKnownColumn } from '../columns.ts';

const MOST_NAMES = 2000;
const MOST_CHARS = 200;

export class ColumnNames {
  #names = new Set<string>();
  #onMore: () => void;

  /** `onMore`: called where some are left out. */
  constructor(onMore: () => void) {
    this.#onMore = onMore;
  }

  get list(): string[] {
    return [...this.#names];
  }

  add(names: readonly string[]): void {
    for (const name of names) {
      if (name === '' || this.#names.has(name)) continue;
      if ((this.#names.size < MOST_NAMES && name.length <= MOST_CHARS) || isKnownColumn(name)) this.#names.add(name);
      else this.#onMore();
    }
  }
}

/** Told with the rows of a file whose columns are not all listed. */
export const MORE_COLUMNS =
  `not listed: columns after the first ${MOST_NAMES}, and names of more than ${MOST_CHARS} ` + 'characters';
