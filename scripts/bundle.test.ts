/** The bundles that only Electron runs: the worker's is run here by Node, the preload script's is read. */
import { fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineReport } from '../src-shared/backends.ts';
import type { FromWorker } from '../src-shared/workerCalls.ts';
import { temporaryFolder } from '../test-support/fixtures/folders.ts';
import { workbook } from '../test-support/fixtures/workbook.ts';
import { buildIsCurrent } from './lib/build.mjs';
import { toolPath } from './lib/node24.mjs';
import { root, scratch } from './lib/paths.mjs';
import { run } from './lib/run.mjs';

// The app's own build, where it is that of these sources; else one inside the repository, to find node_modules.
const current = buildIsCurrent();
const out = current ? path.join(root, 'out') : path.join(scratch, `bundle-test-${process.pid}`);

beforeAll(async () => {
  if (current) return;
  const { code, output } = await run(
    process.execPath,
    [toolPath('electron-vite'), 'build', '--logLevel', 'warn', '--outDir', out],
    { output: 'capture' },
  );
  expect(code, output).toBe(0);
});
afterAll(() => {
  if (!current) fs.rmSync(out, { recursive: true, force: true });
});

it('the bundled worker starts and answers a call', async () => {
  const worker = fork(path.join(out, 'main', 'worker.js'), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  worker.stderr?.on('data', (chunk) => (errors += chunk));
  const answer = await new Promise<FromWorker>((resolve, reject) => {
    worker.once('message', (message) => resolve(message as FromWorker));
    worker.once('exit', (code) => reject(new Error(`the worker ended with code ${code}: ${errors}`)));
    worker.send({ kind: 'call', id: 7, name: 'engines', params: { calibrate: false } });
  }).finally(() => worker.kill());
  expect(answer).toMatchObject({ kind: 'result', id: 7 });
  const engines = 'result' in answer ? (answer.result as EngineReport[]) : [];
  expect(engines.map(({ name }) => name).sort()).toEqual(['tensorflow', 'wasm', 'webgpu']);
  expect(engines.find(({ name }) => name === 'wasm')).toMatchObject({ usable: true });
});

it('the bundled thread for looking at folders answers a look', async () => {
  const thread = new Worker(path.join(out, 'main', 'lookThread.js'));
  try {
    const answer = await new Promise((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
      thread.postMessage({ name: 'readModel', args: [path.join(root, 'resources/starter/model')] });
    });
    expect(answer).toMatchObject({ result: { family: 'llama', notes: [] } });
  } finally {
    await thread.terminate();
  }
});

it('the bundled thread for datasets reads a workbook', async () => {
  const file = path.join(temporaryFolder(), 'book.xlsx');
  fs.writeFileSync(file, workbook({ Sheet: [['text'], ['a']] }));
  const dir = path.dirname(file);
  const fd = fs.openSync(path.join(dir, 'rows'), 'wx+');
  const thread = new Worker(path.join(out, 'main', 'rowThread.js'));
  try {
    const answer = await new Promise((resolve, reject) => {
      // On a busy machine it tells of its progress first.
      thread.on('message', (message: object) => 'progress' in message || resolve(message)).once('error', reject);
      thread.postMessage({ kind: 'read', file, rules: {}, fd, dir });
    });
    expect(answer).toMatchObject({
      result: { facts: { format: 'xlsx', columns: ['text'] }, lines: Float64Array.of(2) },
    });
    expect(fs.readFileSync(path.join(dir, 'rows'), 'utf8')).toBe('{"text":"a"}\n');
  } finally {
    await thread.terminate();
    fs.closeSync(fd);
  }
});

it('the bundled thread for documents reads a PDF', async () => {
  const file = path.join(root, 'test-support/fixtures/documents/ligatures.pdf');
  const thread = new Worker(path.join(out, 'main', 'documentThread.js'));
  try {
    const answer = await new Promise<{ result?: { lines: string } }>((resolve, reject) => {
      thread.on('message', (message: object) => 'progress' in message || resolve(message)).once('error', reject);
      thread.postMessage({ file, source: 'ship', settings: { rowUnit: 'page', maxChars: 2000, overlapChars: 0 } });
    });
    expect(JSON.parse(answer.result!.lines)).toMatchObject({ source: 'ship', page: 1 });
    expect(answer.result!.lines).toContain('Ein affluent office fit flow mit Umlauten: äöüß.');
  } finally {
    await thread.terminate();
  }
});

it('the bundled thread for packing packs a row', async () => {
  const values = new SharedArrayBuffer(16);
  new Float32Array(values).set([1, -2, 0.5, 0]);
  const [into, factors] = [new SharedArrayBuffer(8), new SharedArrayBuffer(0)];
  const thread = new Worker(path.join(out, 'main', 'packThread.js'));
  try {
    const answer = await new Promise((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
      thread.postMessage({
        kind: 'rows',
        tensor: 'w',
        file: '',
        source: { values },
        dtype: 'F32',
        format: 'bf16',
        rows: 1,
        C: 4,
        into: { buffer: into, at: 0 },
        length: 8,
        factors: { buffer: factors, at: 0 },
      });
    });
    expect(answer).toHaveProperty('result.crc');
    expect([...new Uint16Array(into)]).toEqual([0x3f80, 0xc000, 0x3f00, 0]);
  } finally {
    await thread.terminate();
  }
});

it('the main process is a module without syntax errors', async () => {
  const { code, output } = await run(process.execPath, ['--check', path.join(out, 'main', 'main.js')], {
    output: 'capture',
  });
  expect(code, output).toBe(0);
});

it('the main process finds the other bundles beside its own folder', () => {
  const text = fs.readFileSync(path.join(out, 'main', 'main.js'), 'utf8');
  // out/main/main.js -> out/
  expect(text).toMatch(/\bout = path\.resolve\(import\.meta\.dirname, ['"]\.\.['"]\);/);
  // Found beside the chunk that starts it.
  for (const thread of [
    'lookThread.js',
    'rowThread.js',
    'packThread.js',
    'hashThread.js',
    'tokenThread.js',
    'documentThread.js',
  ])
    expect(fs.existsSync(path.join(out, 'main', thread))).toBe(true);
  for (const part of [['main', 'worker.js'], ['preload', 'preload.cjs'], ['renderer']]) {
    expect(fs.existsSync(path.join(out, ...part))).toBe(true);
    expect(text).toContain(`path.join(out, ${part.map((name) => JSON.stringify(name)).join(', ')})`);
  }
});

it('the preload script is one CommonJS file that needs Electron only, as the sandbox demands', () => {
  const folder = path.join(out, 'preload');
  expect(fs.readdirSync(folder)).toEqual(['preload.cjs']);
  const text = fs.readFileSync(path.join(folder, 'preload.cjs'), 'utf8');
  const required = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map((match) => match[1]);
  expect(required).toEqual(['electron']);
  expect(text).not.toMatch(/^(import|export) /m);
});

it('the page loads its own files only', () => {
  const page = fs.readFileSync(path.join(out, 'renderer', 'index.html'), 'utf8');
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(links.length).toBeGreaterThan(1);
  for (const link of links) expect(link).toMatch(/^(\.\/assets\/|data:,$)/);
});
