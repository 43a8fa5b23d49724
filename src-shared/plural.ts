/**
 * A number with its noun: `1 step`, `2,000 steps`, `1.5 epochs`.
 *
 * @param noun `row`, of which more are `rows`, or its forms: `['batch', 'batches']`. What the page says names the forms
 * right in the call: they are a message for translators, and its build adds the last two arguments.
 * @param formOf which of the forms a number takes
 */
export function counted(
  count: number,
  noun: string | readonly string[],
  formOf: (count: number) => number = (n) => (n === 1 ? 0 : 1),
  locale = 'en',
): string {
  const forms = typeof noun === 'string' ? [noun, `${noun}s`] : noun;
  return `${numbersIn(locale).format(count)} ${forms[formOf(count)]}`;
}

const formats = new Map<string, Intl.NumberFormat>();

/** Made once for each language: formatting with `toLocaleString` makes one each time. */
function numbersIn(locale: string): Intl.NumberFormat {
  const made = formats.get(locale) ?? new Intl.NumberFormat(locale);
  formats.set(locale, made);
  return made;
}
