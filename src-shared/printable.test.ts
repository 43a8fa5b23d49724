import { expect, it } from 'vitest';
import { printable } from './printable.ts';

it.each([
  ['a title that is set', '\x1b]0;owned\x07', '\\u001b]0;owned\\u0007'],
  ['a line that is taken back', 'bad\rgood\x1b[2K', 'bad\\u000dgood\\u001b[2K'],
  ['C1, which some terminals obey', '\x9b31m\x90', '\\u009b31m\\u0090'],
  ['backspaces and DEL', 'a\b\x7f', 'a\\u0008\\u007f'],
  ['writing from right to left', 'a\u202egnp.exe', 'a\\u202egnp.exe'],
])('%s is shown, not done', (_name, text, want) => expect(printable(text)).toBe(want));

it('leaves words, line breaks and JSON as they are', () => {
  const text = 'Grüße\tan 東京 🙂\nZeile 2';
  expect(printable(text)).toBe(text);
  const value = { name: 'a\x1b[31m\x9b\u202e"\\' };
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
});
