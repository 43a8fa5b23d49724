/** Values of binary tables (Parquet, Arrow, spreadsheets) as what JSON has, so that rows of all formats are alike. */

const MOST_DEPTH = 64;

/** Whole numbers stay exact, dates are ISO 8601, bytes are named, not shown. */
export function plainValue(value: unknown, depth = 0): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (typeof value !== 'object') return typeof value === 'number' && !Number.isFinite(value) ? null : value;
  if (depth > MOST_DEPTH) throw new Error(`values are nested more than ${MOST_DEPTH} deep`);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, (item) => plainValue(item));
  if (value instanceof Map || typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function')
    return Array.from(value as Iterable<unknown>, (item) => plainValue(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(item, depth + 1)]));
}
