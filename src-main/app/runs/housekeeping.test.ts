/** What surrounds a run: its log, its name, its removal, and what is said when its worker dies. */
import fs from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';

let b: TestBench;

afterEach(() => b.close());

it('a run that is over can be renamed and removed; its adapter stays', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 4, evalEvery: 2 }));
  await expect(b.api.runs.remove({ id })).rejects.toThrow(/stop it before you remove it/);
  const ended = await b.services.runs.finished(id);
  expect((await b.api.runs.log({ id })).map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /^Training begins with the engine wasm on .*: 4 steps, 18 rows to train on and 6 to validate\.$/,
    ),
    expect.stringMatching(/^The whole run is 4 steps: too few/),
    expect.stringMatching(/^Validation loss after step 0: \d\.\d{4}\.$/),
    expect.stringMatching(/^Validation loss after step 2: /),
    'Checkpoint written after step 2.',
    expect.stringMatching(/^Validation loss after step 4: /),
    expect.stringMatching(/^Completed after step 4; the result is in /),
  ]);
  expect(await b.api.runs.rename({ id, name: 'warm colours' })).toMatchObject({ name: 'warm colours' });
  await b.api.runs.remove({ id });
  await expect(b.api.runs.get({ id })).rejects.toThrow(/There is no run/);
  expect(b.services.catalog.metrics.after(id, 0)).toEqual([]);
  expect(fs.existsSync(ended.spec.runDir)).toBe(false);
  expect(b.services.catalog.adapters.list()).toMatchObject([{ dir: ended.result!.outDir, runId: null }]);
  expect(fs.existsSync(ended.result!.outDir)).toBe(true);
});

it('a worker that is killed: the sentence names the step to resume from, or says that there is none', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 5000, checkpointEvery: 4 });
  const first = await b.services.runs.start(input);
  await untilEvent(b, first.id, (event) => event.type === 'checkpoint' && event.step === 8);
  process.kill(b.services.runs.require(first.id).pid!, 'SIGKILL');
  const failed = await b.services.runs.finished(first.id);
  const step = failed.error!.details!['checkpointStep'] as number;
  expect(step).toBeGreaterThanOrEqual(8);
  expect(step % 4).toBe(0);
  expect(failed).toMatchObject({
    status: 'failed',
    resumable: true,
    error: {
      code: 'WORKER_CRASHED',
      message: expect.stringMatching(
        new RegExp(`^The worker process was ended by SIGKILL; resume the run from step ${step}\\b`),
      ) as string,
    },
  });

  const second = await b.services.runs.start({ ...input, train: { ...input.train, checkpointEvery: 0 } });
  await untilEvent(b, second.id, (event) => event.type === 'step');
  process.kill(b.services.runs.require(second.id).pid!, 'SIGKILL');
  const lost = await b.services.runs.finished(second.id);
  expect(lost).toMatchObject({
    resumable: false,
    error: {
      details: { checkpointStep: null },
      message: expect.stringMatching(
        /^The worker process was ended by SIGKILL; it had no checkpoint yet, so start the run again/,
      ) as string,
    },
  });
});

it('looking back at a step of a run that trains is refused with the way out', async () => {
  b = openBench();
  const { id } = await b.services.runs.start(await smallRun(b, { steps: 5000 }));
  await untilEvent(b, id, (event) => event.type === 'step');
  await expect(b.api.runs.inspectStep({ id, step: 1 })).rejects.toThrow(/pause the run first\.$/);
});
