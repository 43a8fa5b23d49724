import { afterEach, expect, it } from 'vitest';
import { intlLocales, languageFor, useLanguage } from './language.ts';

afterEach(() => useLanguage('en'));

it.each([
  ['system', ['de-AT', 'en'], 'de'],
  ['system', ['fr-FR', 'de', 'en-US'], 'de'],
  ['system', ['fr-FR', 'ja'], 'en'],
  ['system', [], 'en'],
  ['en', ['de-DE'], 'en'],
  ['de', ['en-US'], 'de'],
] as const)('the choice %s on a system that asks for %j gives %s', (choice, wanted, want) => {
  expect(languageFor(choice, wanted)).toBe(want);
});

it('the language decides how numbers and dates are written', () => {
  useLanguage('de');
  expect(new Intl.NumberFormat(intlLocales().numbers).format(1234.5)).toBe('1.234,5');
});
