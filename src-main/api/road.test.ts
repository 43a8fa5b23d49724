import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Adapter } from '../catalog/adapters.ts';
import { MODEL, openBench, smallRun, writeRows } from '../../test-support/rigs/services.ts';
import type { TestBench } from '../../test-support/rigs/services.ts';
import { errorDataOf } from './trpc.ts';
import type { ExportEvent, GenerateEvent, WatchEvent } from './types.ts';

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of stream) all.push(value);
  return all;
}

describe('the whole road through the API', () => {
  let bench: TestBench;
  let events: WatchEvent[];
  let adapters: Adapter[];

  beforeAll(async () => {
    bench = openBench();
    const input = await smallRun(bench);
    const run = await bench.api.runs.start(input);
    events = await collect(await bench.api.runs.watch({ id: run.id }));
    const second = await bench.api.runs.start({ ...input, train: { ...input.train, seed: 1 } });
    await bench.services.runs.finished(second.id);
    adapters = await bench.api.adapters.list({});
  });
  afterAll(() => bench.close());

  it('watching a run shows its steps and ends with its end', async () => {
    expect(events[0]).toMatchObject({ type: 'status', run: { status: 'running' } });
    expect(events.flatMap((event) => (event.type === 'steps' ? event.steps.map(({ step }) => step) : []))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'status', run: { status: 'completed' } });
    const [run] = (await bench.api.runs.list()).slice(-1);
    const { steps, evaluations } = await bench.api.runs.metrics({ id: run!.id, afterStep: 4 });
    expect(steps.map((metrics) => metrics.step)).toEqual([5, 6]);
    expect(evaluations.at(-1)).toEqual({ step: 6, valLoss: run!.result!.valLoss });
  });

  it('the first adapter of a task is its active one; switching in a loaded base gives the milliseconds', async () => {
    const [task] = await bench.api.tasks.list();
    expect(task).toMatchObject({ name: 'colours', adapters: 2, activeAdapter: { id: adapters[0]!.id } });
    const cold = await bench.api.tasks.switch({ taskId: task!.id, adapterId: adapters[1]!.id });
    expect(cold.switchMs).toBeNull();
    const state = await bench.api.playground.load({ modelId: adapters[0]!.modelId!, engine: 'tensorflow' });
    expect(state).toMatchObject({ modelId: adapters[0]!.modelId, adapterId: null });
    const warm = await bench.api.tasks.switch({ taskId: task!.id, adapterId: adapters[0]!.id });
    expect(warm.switchMs).toBeGreaterThan(0);
    expect(warm.task.activeAdapterId).toBe(adapters[0]!.id);
    expect((await bench.api.playground.state()).adapterId).toBe(adapters[0]!.id);
  });

  it('generates the same text streamed as in the result, and another without the adapter', async () => {
    const prompt = 'One day, Lily saw a';
    const texts: string[] = [];
    for (const adapterId of [adapters[0]!.id, null, adapters[0]!.id]) {
      await bench.api.playground.attach({ adapterId });
      const pieces: GenerateEvent[] = await collect(await bench.api.playground.generate({ prompt, maxNew: 12 }));
      const done = pieces.at(-1);
      if (done?.type !== 'done') throw new Error('no result');
      expect(pieces.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('')).toBe(done.result.text);
      texts.push(done.result.text);
    }
    expect(texts[0]).toBe(texts[2]);
    expect(texts[0]).not.toBe(texts[1]);
  });

  it('leaving the stream cancels the generation', async () => {
    for await (const event of await bench.api.playground.generate({ prompt: 'One day', maxNew: 400 })) {
      expect(event.type).toBe('text');
      break;
    }
    while ((await bench.api.playground.state()).generating) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await bench.api.playground.attach({ adapterId: null })).switchMs).toBeGreaterThanOrEqual(0);
  });

  it('exports with a certificate, and refuses a folder that exists', async () => {
    const outDir = path.join(bench.dir, 'merged');
    const started = await bench.api.exports.start({ adapterId: adapters[0]!.id, outDir });
    const watched: ExportEvent[] = await collect(await bench.api.exports.watch({ id: started.id }));
    const [record] = await bench.api.exports.list();
    expect(watched.at(-1)).toEqual({ type: 'status', record });
    expect(record).toMatchObject({
      status: 'completed',
      result: { outDir, certificate: { passed: true, adapterSha256: adapters[0]!.sha256 } },
    });
    expect(record!.result!.certificate!.maxLogitDifference).toBeLessThan(1e-4);
    expect(fs.existsSync(path.join(outDir, 'model.safetensors'))).toBe(true);
    await expect(bench.api.exports.start({ adapterId: adapters[0]!.id, outDir })).rejects.toThrow(/exists already/);
  });

  it('a folder that cannot be written makes a failed export, and nothing stays', async () => {
    // A file where a folder is needed fails for every user, root as well.
    const blocked = path.join(bench.dir, 'a-file');
    fs.writeFileSync(blocked, '');
    const { id } = await bench.api.exports.start({ adapterId: adapters[0]!.id, outDir: path.join(blocked, 'merged') });
    const record = await bench.services.exports.finished(id);
    expect(record).toMatchObject({
      status: 'failed',
      result: null,
      error: { message: expect.stringContaining(blocked) },
    });
    expect(fs.readFileSync(blocked, 'utf8')).toBe('');
  });

  it('a removed adapter leaves disk, playground and task', async () => {
    const { id, dir, taskId } = adapters[0]!;
    await bench.api.playground.attach({ adapterId: id });
    await bench.api.adapters.remove({ id });
    expect(fs.existsSync(dir)).toBe(false);
    expect((await bench.api.playground.state()).adapterId).toBeNull();
    expect((await bench.api.tasks.list())[0]).toMatchObject({ id: taskId, activeAdapterId: null, adapters: 1 });
    const error = await bench.api.adapters.get({ id }).catch((e: unknown) => errorDataOf(e));
    expect(error).toMatchObject({ code: 'ADAPTER_NOT_FOUND', kind: 'usage' });
  });
});

describe('datasets and models', () => {
  it('bad rows refuse a dataset until they are allowed', async () => {
    const bench = openBench();
    const file = writeRows(path.join(bench.dir, 'rows.jsonl'), 6, ['{"prompt": "x", ']);
    await expect(bench.api.datasets.add({ file })).rejects.toThrow(
      /the first at line 7: .*allow bad rows to go on with the other 6/,
    );
    expect(await bench.api.datasets.list()).toEqual([]);
    expect(await bench.api.datasets.add({ file, allowBadRows: true })).toMatchObject({
      rows: 6,
      badRows: 1,
      allowBadRows: true,
    });
    const again = await bench.api.datasets.add({ file, allowBadRows: true, name: 'six' });
    expect(await bench.api.datasets.list()).toEqual([again]);
    const model = await bench.api.models.add({ dir: MODEL });
    const report = await bench.api.datasets.check({ file, modelId: model.id });
    expect(report).toMatchObject({
      rows: 6,
      badRows: [{ line: 7 }],
      columns: ['prompt', 'completion'],
      lengths: { rows: 6, unlabelled: [] },
    });
    await bench.close();
  });

  it('the same folder is one model, added twice or not', async () => {
    const bench = openBench();
    const first = await bench.api.models.add({ dir: MODEL, name: 'tiny' });
    const second = await bench.api.models.add({ dir: `${MODEL}/` });
    expect(second).toEqual(first);
    await bench.api.models.remove({ id: first.id });
    expect(await bench.api.models.list()).toEqual([]);
    expect(fs.existsSync(path.join(MODEL, 'config.json'))).toBe(true);
    await bench.close();
  });
});

it('browsing lists folders first, marks checkpoints and leaves hidden names out', async () => {
  const bench = openBench();
  const top = path.join(bench.dir, 'top');
  fs.mkdirSync(path.join(top, 'model'), { recursive: true });
  fs.mkdirSync(path.join(top, 'empty'));
  fs.writeFileSync(path.join(top, 'model', 'config.json'), '{}');
  fs.writeFileSync(path.join(top, 'a.jsonl'), '');
  fs.writeFileSync(path.join(top, '.hidden'), '');
  fs.symlinkSync(path.join(top, 'gone'), path.join(top, 'dangling'));
  const folders = await bench.api.system.browse({ dir: top, kind: 'folder' });
  expect(folders.parent).toBe(bench.dir);
  expect(folders.entries.map(({ name, isModel }) => [name, isModel])).toEqual([
    ['empty', false],
    ['model', true],
  ]);
  const files = await bench.api.system.browse({ dir: top, kind: 'file' });
  expect(files.entries.map((entry) => entry.name)).toEqual(['empty', 'model', 'a.jsonl']);
  await expect(bench.api.system.browse({ dir: path.join(top, 'nowhere'), kind: 'file' })).rejects.toSatisfy(
    (error) => errorDataOf(error).code === 'NOT_FOUND',
  );
  await bench.close();
});
