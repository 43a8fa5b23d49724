import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rememberedToken } from './rememberedToken.ts';

let home: string;
beforeEach(() => (home = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-token-'))));
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

it('is the same at the next start, another in another data folder', () => {
  const token = rememberedToken(home);
  expect(token).toMatch(/^[\w-]{32}$/);
  expect(rememberedToken(home)).toBe(token);
  const other = fs.mkdtempSync(path.join(home, 'other-'));
  expect(rememberedToken(other)).not.toBe(token);
  expect(fs.readdirSync(other)).toEqual(['web-token']);
});

it.skipIf(process.platform === 'win32')('is for this user alone, and anew where others could have read it', () => {
  const token = rememberedToken(home);
  const file = path.join(home, 'web-token');
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  fs.chmodSync(file, 0o644);
  expect(rememberedToken(home)).not.toBe(token);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

it('a file that holds something else is replaced', () => {
  fs.writeFileSync(path.join(home, 'web-token'), 'short', { mode: 0o600 });
  expect(rememberedToken(home)).toMatch(/^[\w-]{32}$/);
});
