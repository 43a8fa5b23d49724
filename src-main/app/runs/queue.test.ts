/** The queue of runs: its order, which survives a restart, and what is told of all runs at once. */
import { afterEach, expect, it } from 'vitest';
import { openBench, smallRun } from '../../../test-support/rigs/services.ts';
import type { TestBench } from '../../../test-support/rigs/services.ts';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import type { RunsEvent } from './channel.ts';

let b: TestBench;

afterEach(() => b.close());

const names = async (): Promise<string[]> => (await b.api.runs.queue()).map(({ name }) => name);

it('keeps the order that it is given, also over a restart', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 5000, checkpointEvery: 0 });
  const start = async (name: string): Promise<string> => (await b.services.runs.start({ ...input, name })).id;
  const first = await start('first');
  const [one, two, three] = [await start('one'), await start('two'), await start('three')];
  expect(await names()).toEqual(['one', 'two', 'three']);
  await b.api.runs.reorder({ ids: [three, one, two] });
  expect(await names()).toEqual(['three', 'one', 'two']);
  for (const ids of [
    [three, one],
    [three, one, one],
    [three, one, first],
  ])
    await expect(b.api.runs.reorder({ ids })).rejects.toThrow(/The queue is not what it was/);
  expect(await names()).toEqual(['three', 'one', 'two']);

  await untilEvent(b, first, (event) => event.type === 'step');
  await b.reopen();
  // The first one failed with the old Graft; the next in the queue is under way, the others still wait behind it.
  expect(b.services.runs.require(three).status).toBe('running');
  expect(await names()).toEqual(['one', 'two']);
});

it('a paused run goes on before those that wait', async () => {
  b = openBench();
  const input = await smallRun(b, { steps: 5000, checkpointEvery: 0 });
  const start = async (name: string): Promise<string> => (await b.services.runs.start({ ...input, name })).id;
  const [a, c, d] = [await start('a'), await start('c'), await start('d')];
  const begun = untilEvent(b, c, (event) => event.type === 'status' && event.run.status === 'running');
  b.services.runs.pause(a);
  await begun;
  b.services.runs.continue(a);
  expect(await names()).toEqual(['a', 'd']);
  expect(b.services.runs.require(d).status).toBe('queued');
});

it('tells of every run at once: its states, and its progress to the last step', async () => {
  b = openBench();
  const told: RunsEvent[] = [];
  b.services.runs.subscribeAll((event) => told.push(event));
  const watched = (await b.api.runs.watchAll())[Symbol.asyncIterator]();
  expect((await watched.next()).value).toEqual({ type: 'watching' });
  const input = await smallRun(b, { steps: 12 });
  const ids = [(await b.services.runs.start(input)).id, (await b.services.runs.start(input)).id];
  expect((await watched.next()).value).toMatchObject({ type: 'run', run: { id: ids[0] } });
  await watched.return?.();
  for (const id of ids) await b.services.runs.finished(id);
  for (const id of ids) {
    const states = told.flatMap((event) => (event.type === 'run' && event.run.id === id ? [event.run.status] : []));
    expect(states.filter((state, i) => state !== states[i - 1])).toEqual(['queued', 'running', 'completed']);
    const progress = told.flatMap((event) => (event.type === 'progress' && event.id === id ? [event] : []));
    // What is left after the last step is its evaluation.
    expect(progress.at(-1)).toMatchObject({ step: 12, totalSteps: 12, msLeft: expect.any(Number) as number });
  }
  await b.api.runs.remove({ id: ids[0]! });
  expect(told.at(-1)).toEqual({ type: 'removed', id: ids[0] });
});
