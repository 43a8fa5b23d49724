import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { noticesText } from './lib/notices.mjs';

const root = path.resolve(import.meta.dirname, '..');

it('THIRD-PARTY-NOTICES.md is that of package-lock.json', () => {
  const lock = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  expect(fs.readFileSync(path.join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')).toBe(noticesText(lock.packages));
});

it('a package without a licence stops the writing', () => {
  expect(() => noticesText({ 'node_modules/x': { version: '1.0.0' } })).toThrow(/x names no licence/);
});
