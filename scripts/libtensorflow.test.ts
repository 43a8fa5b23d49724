/** What is fetched from elsewhere is opened only with a hash that is known, and only its named members are unpacked. */
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test-support/fixtures/folders.ts';
import { KNOWN, officialParts, unpackVerified, wantedHash } from './lib/libtensorflow.mjs';

const version = '4.22.0';

it('every library of Linux and macOS has a pinned hash, the binding and Windows have none', () => {
  for (const platform of ['linux', 'darwin'])
    for (const arch of ['x64', 'arm64'])
      for (const kind of ['cpu', 'gpu'] as const) {
        const parts = officialParts({ platform, arch, kind, version })!;
        expect(KNOWN[parts.library], parts.library).toMatch(/^[0-9a-f]{64}$/);
        expect(wantedHash(parts.addon, undefined)).toBeUndefined();
      }
  const windows = officialParts({ platform: 'win32', arch: 'x64', kind: 'cpu', version })!;
  expect(wantedHash(windows.library, undefined)).toBeUndefined();
  expect(officialParts({ platform: 'aix', arch: 'ppc64', kind: 'cpu', version })).toBeUndefined();
});

it('a hash that the user gives counts only where Graft has none of its own', () => {
  const [url, pinned] = Object.entries(KNOWN)[0]!;
  expect(wantedHash(url, 'a'.repeat(64))).toBe(pinned);
  expect(wantedHash('https://elsewhere/x', 'A'.repeat(64))).toBe('a'.repeat(64));
  expect(wantedHash('https://elsewhere/x', 'yes')).toBeUndefined();
});

it('unpacks the named members of the right archive, and nothing of any other', async () => {
  const dir = temporaryFolder();
  fs.mkdirSync(path.join(dir, 'lib'));
  fs.writeFileSync(path.join(dir, 'lib', 'wanted.so'), 'good');
  fs.writeFileSync(path.join(dir, 'evil'), 'evil');
  const archive = path.join(dir, 'a.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', dir, 'lib/wanted.so', 'evil']);
  const sha256 = crypto.createHash('sha256').update(fs.readFileSync(archive)).digest('hex');
  const target = path.join(dir, 'target');
  fs.mkdirSync(target);
  const unpack = (given: string | undefined) =>
    unpackVerified(archive, 'https://elsewhere/a', {
      given,
      variable: 'THE_HASH',
      target,
      members: /^lib\/wanted[^/]*$/,
    });
  await expect(unpack(undefined)).rejects.toThrow(`run again with THE_HASH=${sha256}`);
  await expect(unpack('0'.repeat(64))).rejects.toThrow(/does not have the known sha256/);
  expect(fs.readdirSync(target)).toEqual([]);
  await unpack(sha256);
  expect(fs.readdirSync(target, { recursive: true }).sort()).toEqual(['lib', path.join('lib', 'wanted.so')]);
});
