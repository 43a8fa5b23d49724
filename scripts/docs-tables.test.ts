import fs from 'node:fs';
import { expect, it } from 'vitest';
import { METHODS } from '../src-shared/methods/registry.ts';
import { SETTINGS_DOC, withTables } from './docs-tables.ts';

const text = fs.readFileSync(SETTINGS_DOC, 'utf8');

it('the tables of settings are as the settings are; "npm run docs:tables" writes them anew', () =>
  expect(withTables(text)).toBe(text));

it('a changed cell is noticed, and an unknown table refused', () => {
  expect(withTables(text.replace('| 2e-4 |', '| 3e-4 |'))).toBe(text);
  expect(text).toContain('| 2e-4 |');
  expect(() => withTables('<!-- table: weather -->\n<!-- end -->')).toThrow('asks for a table "weather"');
});

it('every method that has settings has its table', () => {
  for (const { type, settings } of METHODS)
    if (Object.keys(settings).length > 0) expect(text).toContain(`<!-- table: method_${type} -->`);
});
