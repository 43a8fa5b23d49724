/** Runs whose base model or rows were moved: everything that goes on from them reads them where they lie now. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, writeRows } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import type { StartRun } from './input.ts';
import type { RunView } from './view.ts';

let b: TestBench;

afterEach(() => b.close());

const place = (name: string): string => path.join(b.dir, name);
const weights = (dir: string): Buffer => fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
const losses = (id: string): number[] => b.services.catalog.metrics.after(id, 0).map(({ loss }) => loss);

/** A run on a tiny model of its own in `old`, everything registered. */
async function tinyStart(train: StartRun['train']): Promise<StartRun> {
  b = openBench();
  const model = await b.api.models.add({ dir: await writeTinyModel(place('old')), name: 'Tiny' });
  const dataset = await b.api.datasets.add({ file: writeRows(place('rows.jsonl')) });
  return {
    modelId: model.id,
    datasetId: dataset.id,
    taskName: 'colours',
    engine: 'wasm',
    method: { type: 'lora', rank: 2 },
    data: { maxLength: 32 },
    train: { epochs: 1, batch: 4, warmup: 0, lr: 1e-2, val: 0.2, checkpointEvery: 2, ...train },
  };
}

/** Moves the folder, and tells the catalogue unless `tell` is false. */
async function move(modelId: string, tell = true): Promise<void> {
  fs.renameSync(place('old'), place('new'));
  if (tell) await b.api.models.relocate({ id: modelId, dir: place('new') });
}

async function completed(run: { id: string }): Promise<RunView> {
  const ended = await b.services.runs.finished(run.id);
  expect(ended).toMatchObject({ status: 'completed', error: null, spec: { model: { dir: place('new') } } });
  return ended;
}

it(
  'a run that failed for want of its model resumes once the model was relocated, with the losses of an ' +
    'uninterrupted one',
  async () => {
    const input = await tinyStart({ steps: 12 });
    const whole = await b.services.runs.start(input);
    await b.services.runs.finished(whole.id);
    // Samples after each step leave the losses as they are, and time to be cut off in.
    const looks = { evalEvery: 1, samplePrompts: ['red', 'blue'], sampleTokens: 20 };
    const cut = await b.services.runs.start({ ...input, train: { ...input.train, ...looks } });
    await untilEvent(b, cut.id, (event) => event.type === 'checkpoint');
    process.kill(b.services.runs.require(cut.id).pid!, 'SIGKILL');
    expect(await b.services.runs.finished(cut.id)).toMatchObject({ status: 'failed', resumable: true });

    await move(input.modelId, false);
    await b.api.runs.resume({ id: cut.id });
    expect(await b.services.runs.finished(cut.id)).toMatchObject({
      status: 'failed',
      resumable: true,
      error: { code: 'CHECKPOINT_NOT_FOUND', details: { dir: place('old') } },
    });
    await b.api.models.relocate({ id: input.modelId, dir: place('new') });
    await b.api.runs.resume({ id: cut.id });
    await completed(cut);
    expect(losses(cut.id)).toEqual(losses(whole.id));

    // Looking back, rolling back and starting again read the new folder too.
    const { rows, meanLoss } = await b.api.runs.inspectStep({ id: whole.id, step: 5 });
    expect(meanLoss).toBeCloseTo(losses(whole.id)[4]!, 4);
    const back = await b.api.runs.rollBack({ id: whole.id, beforeStep: 9, excludeLines: [rows[0]!.line] });
    await completed(back);
    expect(losses(back.id).slice(0, 8)).toEqual(losses(whole.id).slice(0, 8));
    await completed(await b.services.runs.start(input));
  },
);

it('a paused run is tried out and continued in the new folder, also after a restart', async () => {
  const input = await tinyStart({ steps: 400, checkpointEvery: 0 });
  const { id } = await b.services.runs.start(input);
  await untilEvent(b, id, (event) => event.type === 'step');
  const paused = untilEvent(b, id, (event) => event.type === 'status' && event.run.status === 'paused');
  b.services.runs.pause(id);
  await paused;
  await move(input.modelId);
  await b.reopen();
  expect(b.services.runs.list()[0]!.spec.model.dir).toBe(place('new'));
  await b.api.playground.attachRun({ runId: id });
  expect(b.services.playground.state).toMatchObject({ modelDir: place('new'), modelId: input.modelId });
  b.services.playground.unload();
  await b.api.runs.continue({ id });
  expect((await completed({ id })).result!.steps).toBe(400);
  expect(b.services.catalog.runs.get(id)!.spec.model.dir).toBe(place('new'));
});

it('rows that were moved are found through the version of their dataset; changed ones are refused', async () => {
  const input = await tinyStart({ steps: 6 });
  const { id } = await b.services.runs.start(input);
  await b.services.runs.finished(id);
  fs.renameSync(place('rows.jsonl'), place('moved.jsonl'));
  await b.api.datasets.relocate({ id: input.datasetId, file: place('moved.jsonl') });
  expect(b.services.runs.require(id).spec.data).toMatchObject({ file: place('moved.jsonl'), version: 1 });
  expect((await b.api.runs.inspectStep({ id, step: 3 })).meanLoss).toBeCloseTo(losses(id)[2]!, 4);
  writeRows(place('moved.jsonl'), 25);
  await expect(b.api.runs.inspectStep({ id, step: 3 })).rejects.toThrow(/has changed since the run was set up/);
});

it('a model that was removed and added elsewhere is told by its hash; other weights are refused', async () => {
  const input = await tinyStart({ steps: 4, checkpointEvery: 2 });
  const run = await b.services.runs.start(input);
  const before = await b.services.runs.finished(run.id);
  await b.api.models.remove({ id: input.modelId });
  expect(b.services.runs.require(run.id)).toMatchObject({ modelId: null, spec: { model: { dir: place('old') } } });
  await move(input.modelId, false);
  await b.api.models.add({ dir: place('new') });
  expect(b.services.runs.require(run.id).spec.model.dir).toBe(place('new'));
  const again = await b.api.runs.rollBack({ id: run.id, beforeStep: 3, excludeLines: [] });
  expect(weights((await completed(again)).result!.outDir)).toEqual(weights(before.result!.outDir));

  await writeTinyModel(place('new'), { seed: 1 });
  await expect(b.api.runs.inspectStep({ id: run.id, step: 1 })).rejects.toThrow(
    /have changed since the run was set up/,
  );
});
