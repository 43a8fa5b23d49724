/** Runs with a time to start: when to look, what starts, over a restart, and changed. */
import { afterEach, expect, it } from 'vitest';
import { untilEvent } from '../../../test-support/rigs/runEvents.ts';
import { fakeTrainer } from '../../../test-support/fakes/fakeTrainer.ts';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import { isDue, waitForTime } from './startTime.ts';

let b: TestBench | undefined;
afterEach(() => b?.close());

const bench = (): TestBench => (b = openBench({ spawnWorker: fakeTrainer({ lossOf: () => 1 }) }));
const inSeconds = (seconds: number): string => new Date(Date.now() + 1000 * seconds).toISOString();

it('compares with the clock on the wall, and never waits long without looking at it', () => {
  const at = (notBefore: string | null): { notBefore: string | null } => ({ notBefore });
  const now = Date.parse('2026-10-25T00:59:00Z'); // a minute before Europe sets its clocks back
  expect(
    [at(null), at('2026-10-25T00:59:00.000Z'), at('2026-10-25T01:00:00.000Z')].map((run) => isDue(run, now)),
  ).toEqual([true, true, false]);
  expect(waitForTime([], now)).toBeNull();
  expect(waitForTime([at(null), at('2026-10-24T22:00:00.000Z')], now)).toBeNull();
  expect(waitForTime([at('2026-10-25T00:59:05.000Z'), at('2026-10-25T00:59:03.000Z')], now)).toBe(3000);
  // A machine that sleeps for a night wakes up to at most this wait.
  expect(waitForTime([at('2026-12-01T00:00:00.000Z')], now)).toBe(20_000);
});

it('lets others pass until its time has come, then starts by itself', async () => {
  const { services } = bench();
  const input = await smallRun(b!);
  const late = await services.runs.start({ ...input, name: 'late', notBefore: inSeconds(3600) });
  expect(late.status).toBe('queued');
  const soon = await services.runs.start({ ...input, name: 'soon', notBefore: inSeconds(1) });
  expect(soon.status).toBe('queued');
  const next = await services.runs.start({ ...input, name: 'next' });
  expect((await services.runs.finished(next.id)).status).toBe('completed');
  const ended = await services.runs.finished(soon.id);
  expect(ended.startedAt! >= soon.notBefore!).toBe(true);
  expect(services.runs.require(late.id).status).toBe('queued');
});

it('keeps its time over a restart, and can be told another one, or to start now', async () => {
  const { services } = bench();
  const time = inSeconds(3600);
  const run = await services.runs.start({ ...(await smallRun(b!)), notBefore: time });
  await b!.reopen();
  expect(b!.services.runs.require(run.id)).toMatchObject({ status: 'queued', notBefore: time });
  const later = '2099-01-01T00:00:00+02:00';
  expect(await b!.api.runs.schedule({ id: run.id, notBefore: later })).toMatchObject({
    notBefore: '2098-12-31T22:00:00.000Z',
    status: 'queued',
  });
  await expect(b!.api.runs.schedule({ id: run.id, notBefore: 'tomorrow' })).rejects.toThrow(/no time with a zone/);
  const begun = untilEvent(b!, run.id, (event) => event.type === 'status' && event.run.status === 'running');
  await b!.api.runs.schedule({ id: run.id, notBefore: null });
  await begun;
  await b!.services.runs.finished(run.id);
  await expect(b!.api.runs.schedule({ id: run.id, notBefore: null })).rejects.toThrow(/is completed, not waiting/);
});
