/**
 * Rolling a run back: a new run from an earlier checkpoint, without some rows, with the old one's picture up to there.
 */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';

let b: TestBench;

afterEach(() => b.close());

const weights = (dir: string): Buffer => fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
const losses = (id: string): [number, number][] =>
  b.services.catalog.metrics.after(id, 0).map(({ step, loss }) => [step, loss]);

/** Twelve steps with a checkpoint every second one. */
async function finishedRun(): Promise<string> {
  b = openBench();
  const { id } = await b.services.runs.start(
    await smallRun(b, {
      steps: 12,
      checkpointEvery: 2,
      evalEvery: 3,
      samplePrompts: ['One day, Lily saw a'],
      sampleTokens: 4,
    }),
  );
  expect((await b.services.runs.finished(id)).status).toBe('completed');
  return id;
}

it('leaves the old run alone and goes on from the newest checkpoint before the step', async () => {
  const id = await finishedRun();
  const old = b.services.runs.require(id);
  const oldLosses = losses(id);
  expect((await b.api.runs.checkpoints({ id })).map(({ step }) => step)).toEqual([2, 4, 6, 8, 10]);

  const { rows } = await b.api.runs.inspectStep({ id, step: 8 });
  const excludeLines = rows.slice(0, 2).map(({ line }) => line);
  const made = await b.api.runs.rollBack({ id, beforeStep: 8, excludeLines });
  expect(made).toMatchObject({ parentRunId: id, excludedLines: new Set(excludeLines).size });
  const ended = await b.services.runs.finished(made.id);
  expect(ended).toMatchObject({
    status: 'completed',
    started: { resumedFrom: 6, totalSteps: 12, trainRows: old.started!.trainRows - new Set(excludeLines).size },
    result: { steps: 12 },
  });
  expect(losses(made.id).slice(0, 6)).toEqual(oldLosses.slice(0, 6));
  expect(losses(made.id)).toHaveLength(12);
  expect(losses(made.id).slice(6)).not.toEqual(oldLosses.slice(6));
  const steps = (of: string) => b.services.catalog.runHistory.samples(of).map(({ step }) => step);
  expect(steps(made.id)).toEqual(steps(id));
  expect((await b.api.runs.samples({ id: made.id })).prompts).toEqual(['One day, Lily saw a']);

  // No later step has an excluded row; a step of before the rollback is still the old run's.
  for (const step of [7, 12]) {
    const lines = (await b.api.runs.inspectStep({ id: made.id, step })).rows.map(({ line }) => line);
    expect(lines.filter((line) => excludeLines.includes(line))).toEqual([]);
  }
  expect(await b.api.runs.inspectStep({ id: made.id, step: 5 })).toEqual(await b.api.runs.inspectStep({ id, step: 5 }));
  expect(b.services.runs.require(id)).toEqual(old);
  expect(losses(id)).toEqual(oldLosses);
});

it('without excluded rows it repeats the old run; it can wait until it is continued', async () => {
  const id = await finishedRun();
  const made = await b.api.runs.rollBack({ id, beforeStep: 11, excludeLines: [], start: false });
  expect(made).toMatchObject({ status: 'paused', excludedLines: 0, interimAdapterDir: null });
  expect(losses(made.id).map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  b.services.runs.continue(made.id);
  const ended = await b.services.runs.finished(made.id);
  expect(weights(ended.result!.outDir)).toEqual(weights(b.services.runs.require(id).result!.outDir));
  expect(losses(made.id)).toEqual(losses(id));
});

it('before the first checkpoint it starts anew, and a step before the rollback belongs to the run before', async () => {
  const id = await finishedRun();
  const anew = await b.api.runs.rollBack({ id, beforeStep: 2, excludeLines: [1] });
  expect((await b.services.runs.finished(anew.id)).started).toMatchObject({ resumedFrom: 0 });
  const later = await b.api.runs.rollBack({ id, beforeStep: 7, excludeLines: [1] });
  await b.services.runs.finished(later.id);
  await expect(b.api.runs.rollBack({ id: later.id, beforeStep: 3, excludeLines: [2] })).rejects.toThrow(
    /goes on from step 6 of the run .*; roll that one back/,
  );
  await b.api.runs.remove({ id });
  expect(b.services.runs.require(later.id).parentRunId).toBeNull();
  await expect(b.api.runs.inspectStep({ id: later.id, step: 3 })).rejects.toThrow(/which has been removed/);
});
