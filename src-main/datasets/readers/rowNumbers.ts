/**
 * One number for each row, rising: the line it starts on, or its place in the list where the rows share a line, as in a
 * file that a program wrote without line breaks. Rows are named and left out by it.
 */
export async function* numberedRows<Row extends { line: number }>(
  rows: AsyncIterable<Row>,
  onSharedLine: () => void,
): AsyncGenerator<Row> {
  let first: Row | undefined;
  let count = 0;
  let shared = false;
  let last = 0;
  const place = (row: Row): Row => {
    last = shared ? count : Math.max(row.line, last + 1);
    return { ...row, line: last };
  };
  for await (const row of rows) {
    count++;
    if (count === 1) {
      first = row; // whether it shares its line is known with the second
      continue;
    }
    if (first) {
      shared = first.line === row.line;
      if (shared) onSharedLine();
      const held = first;
      first = undefined;
      last = shared ? 1 : held.line;
      yield { ...held, line: last };
    }
    yield place(row);
  }
  if (first) yield first;
}
