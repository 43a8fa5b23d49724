import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { SESSION_SECONDS, Sessions } from './sessions.ts';

it('goes on after a new start, ends after its time, and all at once', () => {
  const file = path.join(temporaryFolder(), 'sessions.json');
  let now = 1_000_000;
  const { cookie, key } = new Sessions(file, () => now).open(undefined);
  const later = new Sessions(file, () => now);
  expect(later.admits(cookie, key)).toBe(true);
  expect([later.admits(cookie, 'other'), later.admits(key, cookie), later.admits(cookie, '')]).toEqual([
    false,
    false,
    false,
  ]);
  now += SESSION_SECONDS * 1000 - 1;
  expect(later.hasCookie(cookie)).toBe(true);
  now += 1;
  expect([later.hasCookie(cookie), later.admits(cookie, key)]).toEqual([false, false]);

  const again = later.open(undefined);
  later.endAll();
  expect(new Sessions(file, () => now).hasCookie(again.cookie)).toBe(false);
});

it('keeps hashes only, for the user alone, one a browser and few in all', () => {
  const dir = temporaryFolder();
  const file = path.join(dir, 'sessions.json');
  const sessions = new Sessions(file);
  const first = sessions.open(undefined);
  const text = fs.readFileSync(file, 'utf8');
  expect([text.includes(first.cookie), text.includes(first.key)]).toEqual([false, false]);
  if (process.platform !== 'win32') expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(fs.readdirSync(dir)).toEqual(['sessions.json']);

  const second = sessions.open(first.cookie);
  expect([sessions.hasCookie(first.cookie), sessions.hasCookie(second.cookie)]).toEqual([false, true]);
  for (let i = 0; i < 30; i++) sessions.open(undefined);
  expect(sessions.hasCookie(second.cookie)).toBe(false);
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toHaveLength(20);
});

it.each(['', 'no json', '{}', '[null, 1, {"cookie": 1}]'])('takes a file of %j for none', (text) => {
  const file = path.join(temporaryFolder(), 'sessions.json');
  fs.writeFileSync(file, text, { mode: 0o600 });
  expect(new Sessions(file).hasCookie('')).toBe(false);
});
