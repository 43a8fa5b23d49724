/** The bundle for GPU machines, unpacked far from this repository: what it holds, how it starts, what it answers. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { isBuiltin } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addVulkanLoader, copiedFiles, fillStage, writtenFiles } from './lib/gpuBundle.mjs';
import { bundleCode } from './lib/gpuBundleCode.mjs';

/** The bundle is for one platform. */
const here = process.platform === 'linux' && process.arch === 'x64';
const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-gpu-bundle-'));
/** As on a machine that has nothing but a shell. */
const BARE = { PATH: '/usr/bin:/bin' };
const SYSTEM_LOADER = [
  '/usr/lib/x86_64-linux-gnu',
  '/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/lib64',
  '/usr/lib',
  '/usr/local/nvidia/lib64',
].some((folder) => fs.existsSync(`${folder}/libvulkan.so.1`));

afterAll(() => fs.rmSync(stage, { recursive: true, force: true }));

describe.skipIf(!here)(`the bundle for GPU machines${here ? '' : ' (Linux x64 only)'}`, () => {
  beforeAll(async () => {
    fillStage(stage, 'abc1234');
    await addVulkanLoader(stage);
    await bundleCode(stage);
  });

  it('holds what it lists, a Vulkan loader, and no module of npm but Dawn', () => {
    for (const place of [
      ...Object.keys(copiedFiles()),
      ...Object.keys(writtenFiles('')),
      'lib/libvulkan.so.1',
      'bench/lib/main.js',
      'bench/peers/graft.js',
      'bench/peers/packThread.js',
      'bench/peers/hashThread.js',
    ]) {
      expect(fs.existsSync(path.join(stage, place)), place).toBe(true);
    }
    expect(fs.readdirSync(path.join(stage, 'node_modules'))).toEqual(['webgpu']);
    // The thread is looked for beside the code that starts it.
    expect(fs.readFileSync(path.join(stage, 'bench/peers/graft.js'), 'utf8')).toContain('`packThread${');
    const code = ['bench/lib', 'bench/peers'].flatMap((folder) =>
      fs
        .readdirSync(path.join(stage, folder))
        .filter((name) => name.endsWith('.js'))
        .map((name) => fs.readFileSync(path.join(stage, folder, name), 'utf8')),
    );
    const imported = new Set(
      code.flatMap((text) =>
        [...text.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"/gm)].map((match) => match[1]!),
      ),
    );
    expect([...imported].filter((name) => !isBuiltin(name) && !name.startsWith('.'))).toEqual([]);
  });

  it('starts with nothing but a shell, lists its cases, and refuses what it does not know', () => {
    const start = (...args: string[]) =>
      spawnSync(path.join(stage, 'bench.sh'), args, { cwd: os.tmpdir(), env: BARE, encoding: 'utf8' });
    expect(start('--help')).toMatchObject({ status: 0, stderr: expect.stringContaining('--quick') });
    expect(start('nothing')).toMatchObject({ status: 2, stderr: expect.stringContaining('kernels') });
  });

  it('the peer answers from the engine, or says that the machine has no Vulkan driver', () => {
    const answer = execFileSync(path.join(stage, 'bin/node'), [path.join(stage, 'bench/peers/graft.js'), 'webgpu'], {
      cwd: os.tmpdir(),
      env: BARE,
      input: '{"command":"hello"}\n',
      encoding: 'utf8',
    });
    expect(answer).toMatch(/^@\{"version":"Graft, webgpu: |Engine webgpu cannot be used: no Vulkan/m);
  });
});

describe('bench.sh', () => {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-bench-sh-'));
  afterAll(() => fs.rmSync(bundle, { recursive: true, force: true }));

  beforeAll(() => {
    fs.cpSync(path.join(import.meta.dirname, 'gpu', 'bench.sh'), path.join(bundle, 'bench.sh'));
    fs.mkdirSync(path.join(bundle, 'bin'));
    fs.writeFileSync(path.join(bundle, 'COMMIT'), 'abc1234\n');
    fs.writeFileSync(
      path.join(bundle, 'bin', 'node'),
      '#!/bin/sh\nenv\nfor word in "$@"; do echo "arg $word"; done\n',
      { mode: 0o755 },
    );
  });
  const said = (env: Record<string, string>, ...args: string[]): string[] =>
    execFileSync('sh', [path.join(bundle, 'bench.sh'), ...args], {
      env: { ...BARE, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n');

  it('gives the engine, the place of results, and then the words of the user', () => {
    const args = said({}, 'kernels', '--out', 'my folder')
      .filter((line) => line.startsWith('arg '))
      .map((line) => line.slice(4));
    expect(args.slice(0, 5)).toEqual([
      path.join(bundle, 'bench/lib/main.js'),
      '--engine',
      'webgpu',
      '--out',
      path.join(bundle, 'results'),
    ]);
    expect(args.slice(-3)).toEqual(['kernels', '--out', 'my folder']);
  });

  it("brings its own Vulkan loader only where the system has none, and leaves the user's driver alone", () => {
    const lines = said({ VK_ICD_FILENAMES: '/a/driver.json' }, 'kernels');
    expect(lines).toContain('VK_ICD_FILENAMES=/a/driver.json');
    expect(lines).toContain('GRAFT_COMMIT=abc1234');
    expect(lines.includes(`LD_LIBRARY_PATH=${bundle}/lib`)).toBe(!SYSTEM_LOADER);
  });
});
