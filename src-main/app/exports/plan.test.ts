/** Where an export may not go is known before any work. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeOutputFolder } from '../../basemodel/outputFolder.ts';
import { openHome } from '../storage/home.ts';
import { assertNewFolder } from './plan.ts';

it('refuses what the clean-up of the data folder would delete, through links too', () => {
  const dir = temporaryFolder();
  const home = openHome(path.join(dir, 'home'));
  fs.symlinkSync(path.join(home.dir, 'adapters'), path.join(dir, 'link'));
  for (const outDir of [
    'home/adapters/x',
    'home/runs/x/y',
    'home/trash/x',
    'home/models/x',
    'home/datasets/x',
    'link/x',
  ])
    expect(() => assertNewFolder(path.join(dir, outDir), home.dir), outDir).toThrow(/that Graft itself clears; choose/);
  for (const outDir of ['home/exports/x', 'home/adapters-of-mine', 'elsewhere/x'])
    expect(() => assertNewFolder(path.join(dir, outDir), home.dir), outDir).not.toThrow();
});

it('refuses a link to nowhere, as the target and above it, before the work begins', async () => {
  const dir = temporaryFolder();
  fs.symlinkSync(path.join(dir, 'gone'), path.join(dir, 'out'));
  let began = false;
  for (const outDir of [path.join(dir, 'out'), path.join(dir, 'out', 'below')]) {
    expect(() => assertNewFolder(outDir, path.join(dir, 'home'))).toThrow(/is a link to .*gone, which does not exist;/);
    await expect(writeOutputFolder(outDir, dir + '-base', async () => void (began = true))).rejects.toThrow(
      /is a link/,
    );
  }
  expect(began).toBe(false);
  expect(fs.readdirSync(dir)).toEqual(['out']);
});

it.skipIf(process.platform !== 'linux')(
  'a folder that the system does not let be made is refused at once',
  async () => {
    await expect(writeOutputFolder('/proc/graft/out', temporaryFolder(), async () => undefined)).rejects.toThrow(
      /\/proc\/graft/,
    );
  },
);
