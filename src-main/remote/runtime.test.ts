/** Graft copied to a machine that has none: what is brought there runs with nothing else beside it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { missingPrograms, startSshd, type Sshd } from '../../test-support/rigs/sshd.ts';
import { GRAFT_ROOT } from '../files/repository.ts';
import { localMachine } from './localMachine.ts';
import { absolutePath, installRuntime } from './runtime.ts';
import { runtimeFiles } from './runtimeFiles.ts';
import { sshMachine } from './sshMachine.ts';

const missing = await missingPrograms({ sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync' });

/** In the place of the program of a job: asks for each package that one needs, and says what it found. */
const STAND_IN = `
import { createRequire } from 'node:module';
import * as core from '@tensorflow/tfjs-core';
import { gguf } from '@huggingface/gguf';
import koffi from 'koffi';
import * as dawn from 'webgpu';
const require = createRequire(import.meta.url);
// Which newer Nodes lack, and tfjs-node asks for.
require('node:util').isNullOrUndefined ??= (value) => value == null;
const found = { gguf: typeof gguf, koffi: typeof koffi.load, dawn: typeof dawn.create };
for (const name of process.argv.slice(2)) {
  try {
    const loaded = require(name);
    const folder = require.resolve(name + '/package.json').replace('package.json', '');
    if (name.endsWith('wasm')) loaded.setWasmPaths(folder + 'dist/');
    if (!name.endsWith('webgpu')) {
      await core.setBackend(name.endsWith('wasm') ? 'wasm' : 'tensorflow');
      found[name] = [...(await core.sum(core.tensor([1, 2, 3])).data())];
    } else found[name] = 'loaded';
  } catch (error) { found[name] = String(error); }
}
console.log(JSON.stringify({ ...found, node: process.version, root: import.meta.dirname }));
process.exit();
`;
const ENGINES = ['@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-backend-webgpu', '@tensorflow/tfjs-node-gpu'];

/** A Graft with these packages and that program. */
function standIn(): string {
  const root = temporaryFolder();
  fs.mkdirSync(path.join(root, 'out/main'), { recursive: true });
  fs.writeFileSync(path.join(root, 'out/main/job.js'), STAND_IN);
  fs.writeFileSync(path.join(root, 'package.json'), '{ "type": "module" }');
  fs.symlinkSync(path.join(GRAFT_ROOT, 'node_modules'), path.join(root, 'node_modules'));
  return root;
}

it('on this machine nothing is copied', async () => {
  const workDir = temporaryFolder();
  const { node, entry } = await installRuntime(localMachine(), { workDir });
  expect(node).toBe(process.execPath);
  expect(entry).toBe(path.join(GRAFT_ROOT, 'src-main/jobs/main.ts'));
  expect(fs.readdirSync(workDir)).toEqual([]);
  expect((await installRuntime(localMachine(), { workDir, node: '/my/node' })).node).toBe('/my/node');
});

it('where Graft is set up already, its own bundle is the entry', async () => {
  const graft = temporaryFolder();
  const target = { workDir: temporaryFolder(), graft, node: process.execPath };
  await expect(installRuntime(localMachine(), target)).rejects.toMatchObject({
    code: 'TARGET_NOT_READY',
    message: expect.stringContaining('npm run build'),
  });
  fs.mkdirSync(path.join(graft, 'out/main'), { recursive: true });
  fs.writeFileSync(path.join(graft, 'out/main/job.js'), '');
  const entry = path.join(graft, 'out/main/job.js');
  expect(await installRuntime(localMachine(), target)).toEqual({ node: process.execPath, entry });
});

it('takes no second names of libraries, no maps and no types, and nothing of other systems', () => {
  const places = runtimeFiles(standIn()).map(({ place }) => place);
  expect(places.filter((place) => /\.(map|d\.ts)$|(darwin|win32)-/.test(place))).toEqual([]);
  const libraries = places.filter((place) => /libtensorflow\.so/.test(place));
  expect(libraries.length).toBeLessThan(2);
  expect(places.length).toBeLessThan(1500);
});

describe.skipIf(missing.length > 0)(`over ssh${missing.length > 0 ? ` (without ${missing.join(', ')})` : ''}`, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    // Where the system has a Node of its own, that one is found there and not the newer one that runs the tests.
    const environment: Record<string, string> = fs.existsSync('/usr/bin/node') ? { PATH: '/usr/bin:/bin' } : {};
    sshd = await startSshd({ environment });
  });
  afterAll(() => sshd?.stop());

  it('brings all that a run needs, once', async () => {
    const root = standIn();
    const machine = sshMachine(sshd.connection, { name: 'the box' });
    const seen: number[] = [];
    const onProgress = (done: number): void => void seen.push(done);
    const target = { workDir: '~/work' };
    const first = await installRuntime(machine, target, { root, onProgress });
    const dir = path.join(sshd.home, 'work/graft');
    expect(first.entry.startsWith(`${dir}/`)).toBe(true);
    expect(seen.length).toBeGreaterThan(0);
    // Nothing of this repository is in reach of it.
    const said = execFileSync(first.node, [first.entry, ...ENGINES], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', TF_CPP_MIN_LOG_LEVEL: '3' },
      encoding: 'utf8',
    });
    const found = JSON.parse(said.trim().split('\n').at(-1)!) as Record<string, unknown>;
    const here = fs.existsSync(path.join(GRAFT_ROOT, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8'));
    expect(found).toMatchObject({
      gguf: 'function',
      koffi: 'function',
      dawn: 'function',
      [ENGINES[0]!]: [6],
      [ENGINES[1]!]: 'loaded',
      ...(here ? { [ENGINES[2]!]: [6] } : {}),
      root: path.dirname(first.entry),
    });
    expect(Number.parseInt(String(found['node']).slice(1), 10)).toBeGreaterThanOrEqual(24);

    const before = fs.statSync(first.entry);
    seen.length = 0;
    expect(await installRuntime(machine, target, { root, onProgress })).toEqual(first);
    expect(seen).toEqual([]);
    expect(fs.statSync(first.entry).ino).toBe(before.ino);

    fs.appendFileSync(path.join(root, 'out/main/job.js'), '// another version\n');
    const stopped = new AbortController();
    stopped.abort();
    await expect(installRuntime(machine, target, { root, signal: stopped.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(fs.readdirSync(dir)).toHaveLength(1);
    expect(await absolutePath(machine, '~/x')).toBe(path.join(sshd.home, 'x'));
    machine.close();
  });
});
