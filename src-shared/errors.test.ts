import fs from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_CODES } from './errorCodes.ts';
import { GraftError, usageError } from './errors.ts';

it('each code is listed once', () => expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length));

it('a code that is in no list does not compile', () => {
  // @ts-expect-error: not a code
  expect(new GraftError('TYPO', 'No such code.')).toBeInstanceOf(Error);
  // @ts-expect-error: not a code
  expect(usageError('TYPO', 'No such code.').kind).toBe('usage');
});

it('no code is left over', () => {
  const files = fs.globSync('{src-main,src-renderer,src-shared,bench,scripts}/**/*.{ts,svelte}');
  const texts = files.filter((file) => !file.includes('errorCodes')).map((file) => fs.readFileSync(file, 'utf8'));
  const names = new Set(texts.flatMap((text) => text.match(/(?<=')[A-Z]+(_[A-Z0-9]+)*(?=')/g) ?? []));
  expect(ERROR_CODES.filter((code) => !names.has(code))).toEqual([]);
});

it('an error of another version keeps its code on the way through', () => {
  const data = JSON.parse('{"code":"OF_A_LATER_VERSION","message":"Something new."}') as ReturnType<
    GraftError['toData']
  >;
  expect(GraftError.fromData(data).toData()).toEqual({
    code: 'OF_A_LATER_VERSION',
    message: 'Something new.',
    details: {},
    kind: 'failure',
  });
});
