import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readNotices } from './notices.ts';

const root = path.resolve(import.meta.dirname, '../../..');

it('every installed package of package-lock.json is listed once, with its licence', () => {
  const notices = readNotices(path.join(root, 'THIRD-PARTY-NOTICES.md'));
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const used = notices.filter(({ dev }) => !dev);
  for (const [name, version] of Object.entries(dependencies))
    expect(used).toContainEqual({ name, version, licence: expect.stringMatching(/\w/) as string, dev: false });
  expect(notices).toContainEqual(expect.objectContaining({ name: 'vitest', dev: true }));
  expect(notices.filter(({ name }) => name === 'package' || name.startsWith('-'))).toEqual([]);
});

it('a copy without the file lists nothing', () => {
  expect(readNotices(path.join(root, 'nowhere.md'))).toEqual([]);
});
