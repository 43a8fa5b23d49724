/** Numbers and tables for people. */
import { printable } from '../../../src-shared/printable.ts';

/** 1536 -> `1.5 KiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 1234567 -> `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function loss(value: number | null): string {
  return value === null ? 'none' : value.toFixed(4);
}

/** What a classifier's answers are worth. */
export function scores({ accuracy, f1, macroF1 }: { accuracy: number; f1?: number; macroF1: number }): string {
  return (
    `accuracy ${accuracy.toFixed(4)}${f1 === undefined ? '' : `, F1 ${f1.toFixed(4)}`}, macro F1 ` +
    `${macroF1.toFixed(4)}`
  );
}

/** Columns as wide as their widest cell, two blanks between; a name with a line break stays in its row. */
export function table(header: string[], rows: string[][]): string[] {
  const all = [header, ...rows].map((row) => row.map((cell) => printable(cell.replace(/\s*\n\s*/g, ' '))));
  const widths = header.map((_name, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Says how far something is, at every quarter. */
export function shareSayer(say: (line: string) => void, what: string): (share: number) => void {
  let said = 0;
  return (share) => {
    const quarter = Math.floor(4 * share);
    if (quarter > said) say(`${what} ${25 * quarter} %`);
    said = quarter;
  };
}

/** Says how far something is and how long it will still take, at most once in five seconds. */
export function timeSayer(say: (line: string) => void, what: string): (share: number) => void {
  const startedAt = Date.now();
  let saidAt = startedAt;
  return (share) => {
    const now = Date.now();
    if (now - saidAt < 5000 || share >= 1) return;
    saidAt = now;
    const left = Math.ceil((((now - startedAt) / share) * (1 - share)) / 1000);
    say(`${what} ${Math.floor(100 * share)} %, ${left} s left`);
  };
}
