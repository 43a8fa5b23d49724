/** Sizes by kind add up to the folder, and cleaning up frees what it says and nothing else. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openBench } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { folderSize } from '../../files/folderSize.ts';
import { runSpecSchema } from '../../../src-shared/runSpec.ts';

let bench: TestBench;
beforeEach(() => {
  bench = openBench();
  vi.stubEnv('GRAFT_CACHE', path.join(bench.dir, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
});

function put(file: string, sizeBytes: number): string {
  const full = path.join(bench.home, file);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, Buffer.alloc(sizeBytes));
  return full;
}

const LONG_AGO = new Date(Date.now() - 3_600_000);
const age = (file: string): void => fs.utimesSync(path.join(bench.home, file), LONG_AGO, LONG_AGO);

function addRun(id: string, status: 'completed' | 'failed' | 'running'): void {
  const { home, catalog } = bench.services;
  const spec = runSpecSchema.parse({
    runId: id,
    model: { dir: '/m', hash: 'h' },
    data: { file: '/f' },
    task: 't',
    method: { type: 'lora' },
    train: {},
    runDir: home.runDir(id),
    outDir: home.adapterDir(`adapter-of-${id}`),
  });
  catalog.db
    .prepare(`INSERT INTO runs (id, name, status, spec, created_at) VALUES (?, 'r', ?, ?, '2026-01-01')`)
    .run(id, status, JSON.stringify(spec));
}

it('adds up to what du counts', async () => {
  put('runs/run-1/checkpoint.safetensors', 10_000);
  put('adapters/a/adapter_model.safetensors', 2000);
  put('datasets/d/v1.jsonl', 300);
  put('notes.txt', 40);
  const report = await bench.api.system.storage();
  const du = Number(
    execFileSync('find', [bench.home, '-type', 'f', '-printf', '%s\n'], { encoding: 'utf8' })
      .split('\n')
      .reduce((sum, size) => sum + Number(size), 0),
  );
  expect(report.totalBytes).toBe(du);
  const size = (kind: string) => report.uses.find((use) => use.kind === kind)!.sizeBytes;
  expect([size('runs'), size('adapters'), size('datasets'), size('other')]).toEqual([10_000, 2000, 300, 40]);
  expect(size('catalogue')).toBeGreaterThan(10_000);
});

it('frees the checkpoints of runs that ended well only', async () => {
  for (const [id, status] of [
    ['run-1', 'completed'],
    ['run-2', 'failed'],
    ['run-3', 'running'],
  ] as const) {
    addRun(id, status);
    put(`runs/${id}/checkpoint.safetensors`, 500);
  }
  expect((await bench.api.system.storage()).cleanUps.find(({ kind }) => kind === 'checkpoints')).toMatchObject({
    sizeBytes: 500,
    items: 1,
  });
  expect(await bench.api.system.cleanUp({ kind: 'checkpoints' })).toEqual({ freedBytes: 500, items: 1 });
  expect(fs.readdirSync(path.join(bench.home, 'runs', 'run-1'))).toEqual([]);
  expect(fs.existsSync(path.join(bench.home, 'runs/run-2/checkpoint.safetensors'))).toBe(true);
  expect(fs.existsSync(path.join(bench.home, 'runs/run-3/checkpoint.safetensors'))).toBe(true);
});

it('takes for left over what no row names, is not under way and is not young', async () => {
  addRun('run-3', 'running');
  put('adapters/nobody/adapter_model.safetensors', 70);
  age('adapters/nobody');
  put('adapters/adapter-of-run-3/adapter_model.safetensors', 1);
  age('adapters/adapter-of-run-3');
  put('adapters/.adapter-of-run-3.0123456789ab.partial/x', 1);
  age('adapters/.adapter-of-run-3.0123456789ab.partial');
  put('adapters/young/x', 1);
  put('runs/run-gone/checkpoint.safetensors', 30);
  age('runs/run-gone');
  put('exports/mine/config.json', 5);
  age('exports/mine');
  expect(await bench.api.system.cleanUp({ kind: 'leftovers' })).toEqual({ freedBytes: 100, items: 2 });
  expect(fs.readdirSync(path.join(bench.home, 'adapters')).sort()).toEqual([
    '.adapter-of-run-3.0123456789ab.partial',
    'adapter-of-run-3',
    'young',
  ]);
  expect(fs.existsSync(path.join(bench.home, 'exports/mine'))).toBe(true);
});

it('takes a dropped file for left over after a day, unless a dataset or a run names it', async () => {
  const upload = (folder: string, content: string) => {
    const file = put(`datasets/uploads/${folder}/rows.jsonl`, 0);
    fs.writeFileSync(file, content);
    return file;
  };
  const rows = '{"text": "a"}';
  const [kept, trained, waiting, forgotten, mine] = [
    'aaaaaaaaaa',
    'bbbbbbbbbb',
    'cccccccccc',
    'dddddddddd',
    'my own',
  ].map((folder) => upload(folder, rows)) as [string, string, string, string, string];
  await bench.api.datasets.add({ file: kept });
  const { id } = await bench.api.datasets.add({ file: trained });
  addRun('run-1', 'completed');
  bench.services.catalog.db.prepare(`UPDATE runs SET spec = json_set(spec, '$.data.file', ?)`).run(trained);
  await bench.api.datasets.remove({ id });
  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
  const loose = put('datasets/uploads/notes.txt', 4);
  for (const file of [kept, trained, forgotten, mine, loose])
    for (const target of [file, path.dirname(file)]) fs.utimesSync(target, twoDaysAgo, twoDaysAgo);
  expect(await bench.api.system.cleanUp({ kind: 'leftovers' })).toEqual({ freedBytes: rows.length, items: 1 });
  expect([kept, trained, waiting, forgotten, mine, loose].map((file) => fs.existsSync(file))).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
  ]);
  bench.services.catalog.runs.remove('run-1');
  expect(await bench.api.system.cleanUp({ kind: 'leftovers' })).toEqual({ freedBytes: rows.length, items: 1 });
  expect(fs.existsSync(trained)).toBe(false);
});

it('settings keep what is not changed, and the chosen engine is what auto means', async () => {
  expect(await bench.api.system.settings()).toEqual({
    defaultEngine: 'auto',
    gpu: null,
    heatLimit: null,
    keepAwake: true,
    language: 'system',
    memoryLimitBytes: null,
    notifications: true,
    modelFolders: [],
  });
  await bench.api.system.saveSettings({ defaultEngine: 'wasm' });
  await bench.api.system.saveSettings({ memoryLimitBytes: 2 ** 30 });
  await bench.reopen();
  expect(await bench.api.system.settings()).toEqual({
    defaultEngine: 'wasm',
    gpu: null,
    heatLimit: null,
    keepAwake: true,
    language: 'system',
    memoryLimitBytes: 2 ** 30,
    notifications: true,
    modelFolders: [],
  });
  await expect(bench.api.system.saveSettings({ memoryLimitBytes: 5 })).rejects.toThrow();
  expect(await bench.services.engines.resolve('auto')).toBe('wasm');
});

it('the memory limit goes to runs that name none', () => {
  const { settings } = bench.services;
  settings.save({ memoryLimitBytes: 2 ** 30 });
  expect(settings.withMemoryLimit({ train: {} }).train).toEqual({ memoryLimitBytes: 2 ** 30 });
  expect(settings.withMemoryLimit({ train: { memoryLimitBytes: 5 } }).train).toEqual({ memoryLimitBytes: 5 });
  settings.save({ memoryLimitBytes: null });
  expect(settings.withMemoryLimit({ train: {} }).train).toEqual({});
});

it('packed base models: counted beside the data folder, emptied, and dropped with their base', async () => {
  const model = await bench.api.models.add({ dir: await writeTinyModel(path.join(bench.dir, 'model')) });
  const kept = (hash: string): string => path.join(bench.dir, 'cache', 'packed', hash, 'a.pack');
  for (const hash of [model.hash, 'other']) {
    fs.mkdirSync(path.dirname(kept(hash)), { recursive: true });
    fs.writeFileSync(kept(hash), Buffer.alloc(600));
  }
  const { totalBytes, uses } = await bench.api.system.storage();
  expect(uses.find(({ kind }) => kind === 'packed')).toMatchObject({ sizeBytes: 1200, files: 2 });
  expect(totalBytes).toBe((await folderSize(bench.home)).sizeBytes);
  await bench.api.models.remove({ id: model.id });
  expect([fs.existsSync(kept(model.hash)), fs.existsSync(kept('other'))]).toEqual([false, true]);
  expect(await bench.api.system.cleanUp({ kind: 'packed' })).toEqual({ freedBytes: 600, items: 1 });
  expect(fs.existsSync(kept('other'))).toBe(false);
});
