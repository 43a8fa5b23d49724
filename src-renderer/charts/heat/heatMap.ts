/** What a heat map shows: numbers by row and column, some of them absent. */

export interface HeatMapData {
  title: string;
  /** What rows and columns are, such as `Layer` and `Matrix`. */
  rowName: string;
  columnName: string;
  rows: readonly string[];
  columns: readonly string[];
  /** [row][column]; null: there is nothing. */
  values: readonly (readonly (number | null)[])[];
  /** Why there may be nothing, such as `not adapted`. */
  absent: string;
  /** Low and high end of the colours; without it those of the values. */
  range?: readonly [number, number];
  /** A value in short. */
  format: (value: number) => string;
}

export interface HeatCell {
  row: number;
  column: number;
}

export function rangeOf({ values, range }: Pick<HeatMapData, 'values' | 'range'>): readonly [number, number] {
  if (range) return range;
  let [low, high] = [Infinity, -Infinity];
  for (const row of values)
    for (const value of row) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : [0, 1];
}

/** `Layer 5, Matrix v: 3.2`, as it is said where the cursor is. */
export function cellWords(map: HeatMapData, { row, column }: HeatCell): string {
  const value = map.values[row]?.[column] ?? null;
  const place = `${map.rowName} ${map.rows[row]}, ${map.columnName} ${map.columns[column]}`;
  return `${place}: ${value === null ? map.absent : map.format(value)}`;
}

/** The cell that a key leads to; undefined for other keys. */
export function movedCell(
  { key, ctrlKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey'>,
  { row, column }: HeatCell,
  { rows, columns }: Pick<HeatMapData, 'rows' | 'columns'>,
): HeatCell | undefined {
  const [lastRow, lastColumn] = [rows.length - 1, columns.length - 1];
  switch (key) {
    case 'ArrowUp':
      return { row: Math.max(0, row - 1), column };
    case 'ArrowDown':
      return { row: Math.min(lastRow, row + 1), column };
    case 'ArrowLeft':
      return { row, column: Math.max(0, column - 1) };
    case 'ArrowRight':
      return { row, column: Math.min(lastColumn, column + 1) };
    case 'Home':
      return { row: ctrlKey ? 0 : row, column: 0 };
    case 'End':
      return { row: ctrlKey ? lastRow : row, column: lastColumn };
    default:
      return undefined;
  }
}

/** Every value as exact as it is; what is absent is empty. */
export function heatCsv({ rowName, rows, columns, values }: HeatMapData): string {
  const lines = [
    [rowName, ...columns],
    ...rows.map((row, i) => [row, ...columns.map((_, j) => String(values[i]?.[j] ?? ''))]),
  ];
  return `${lines.map((cells) => cells.map(quoted).join(',')).join('\n')}\n`;
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
