/** KTO's mark of a good or a bad answer: true or false, as 1 or 0 too, in words or numbers; undefined: no mark. */
export function ktoMark(value: unknown): boolean | undefined {
  if (typeof value === 'object') return undefined;
  const text = String(value).trim();
  if (/^(true|1(\.0+)?)$/i.test(text)) return true;
  return /^(false|0(\.0+)?)$/i.test(text) ? false : undefined;
}
