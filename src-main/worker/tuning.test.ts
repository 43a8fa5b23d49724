/** What the tuner has learnt outlives the process, whatever the file looks like. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { setTuningTable, tuningTable } from '../engine/kernels/webgpu/frozen/tuner.ts';
import { tuningFile } from '../files/tuningFile.ts';
import { keepTuning, useTuning } from './tuning.ts';

/** As if the tuner had measured one product. */
const learnt = () => Promise.resolve(1);

afterEach(() => setTuningTable({}));

it('is read again, together with what others have added', async () => {
  const file = path.join(temporaryFolder(), 'new', 'tuning.json');
  setTuningTable({ a: 'tiles64' });
  await keepTuning(file, learnt);
  setTuningTable({ b: 'rows' });
  await keepTuning(file, learnt);
  setTuningTable({});
  useTuning(file);
  expect(tuningTable()).toEqual({ a: 'tiles64', b: 'rows' });
  expect(fs.readdirSync(path.dirname(file))).toEqual(['tuning.json']);
});

it('writes nothing when nothing was learnt', async () => {
  const file = path.join(temporaryFolder(), 'tuning.json');
  await keepTuning(file, () => Promise.resolve(0));
  expect(fs.existsSync(file)).toBe(false);
});

it.each(['{"a": 1}', '{"a": "til', '[]'])('takes a file that holds %s for empty', (text) => {
  const file = path.join(temporaryFolder(), 'tuning.json');
  fs.writeFileSync(file, text);
  setTuningTable({ a: 'rows' });
  useTuning(file);
  expect(tuningTable()).toEqual({});
});

it('goes on where the file cannot be written', async () => {
  const notAFolder = path.join(temporaryFolder(), 'file');
  fs.writeFileSync(notAFolder, '');
  await expect(keepTuning(path.join(notAFolder, 'tuning.json'), learnt)).resolves.toBeUndefined();
});

it('lies in the cache folder', () => {
  expect(tuningFile({ GRAFT_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe(path.resolve('/a', 'webgpu-tuning.json'));
  expect(tuningFile({ XDG_CACHE_HOME: '/b' })).toBe(path.join('/b', 'graft', 'webgpu-tuning.json'));
});
