/** Where the cells of a worksheet say that they are, checked before the library makes a table as large as they ask. */

/** Excel's own limits. */
const MOST_ROWS = 2 ** 20;
const MOST_COLUMNS = 2 ** 14;
/** Empty ones included, since the library fills the table up to its last row and column. */
const MOST_CELLS = 2 ** 25;

const PLACE = /<(?:\w+:)?(c|row)\s(?:[^>]{0,1000}?\s)?r\s*=\s*["']([^"']*)["']/g;
const ADDRESS = /^([A-Z]{1,3})(\d{1,7})$/;

/** Null, or what is wrong with the places in the XML of a worksheet, as the end of a sentence. */
export function wrongPlaces(xml: string): string | null {
  let rows = 1;
  let columns = 1;
  for (const [, kind, place] of xml.matchAll(PLACE)) {
    const [, letters = '', digits = place!] = kind === 'c' ? (ADDRESS.exec(place!) ?? [, '?']) : [];
    const row = Number(digits);
    const column = kind === 'c' ? columnOf(letters) : 1;
    if (!(row >= 1 && row <= MOST_ROWS && column >= 1 && column <= MOST_COLUMNS))
      return `has a ${kind === 'c' ? 'cell' : 'row'} at ${JSON.stringify(place!.slice(0, 20))}, which no sheet has`;
    rows = Math.max(rows, row);
    columns = Math.max(columns, column);
  }
  if (rows * columns <= MOST_CELLS) return null;
  return `spans ${rows} rows and ${columns} columns; delete what stands far below or right of the table`;
}

/** 1 for A, 27 for AA; NaN for what are no letters. */
function columnOf(letters: string): number {
  return letters === '?' ? NaN : [...letters].reduce((sum, letter) => 26 * sum + letter.charCodeAt(0) - 64, 0);
}
