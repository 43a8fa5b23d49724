/**
 * The playground over the API with a real worker: switching under way, streamed comparison, history, votes, a worker
 * that dies.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PlaygroundState } from '../app/playground/state.ts';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import { errorDataOf } from './trpc.ts';
import type { CompareEvent, GenerateEvent, HistoryRequest } from './types.ts';

let bench: TestBench;
let modelId: string;
let adapterId: string;

beforeAll(async () => {
  bench = openBench();
  const input = await smallRun(bench, { steps: 3 });
  const run = await bench.api.runs.start(input);
  await bench.services.runs.finished(run.id);
  modelId = input.modelId;
  adapterId = (await bench.api.adapters.list())[0]!.id;
  await bench.api.playground.load({ modelId, engine: 'wasm' });
});

afterAll(() => bench.close());

async function collect<E>(events: AsyncIterable<E>, onEvent: (event: E) => void = () => undefined): Promise<E[]> {
  const all: E[] = [];
  for await (const event of events) {
    all.push(event);
    onEvent(event);
  }
  return all;
}

it('switching stops the text that is being written, which ends as cancelled', async () => {
  let switched: Promise<{ switchMs: number }> | undefined;
  const events: GenerateEvent[] = await collect(
    await bench.api.playground.generate({ prompt: 'One day', maxNew: 200 }),
    (event) => {
      if (event.type === 'text') switched ??= bench.api.playground.attach({ adapterId });
    },
  );
  expect(events.at(-1)).toMatchObject({ type: 'done', result: { stopReason: 'cancelled' } });
  expect((await switched!).switchMs).toBeGreaterThan(0);
  expect(await bench.api.playground.state()).toMatchObject({ adapterId, generating: false });
});

it('compares the base with an adapter as each answers alone', async () => {
  const prompt = { prompt: 'One day, Lily saw a', maxNew: 8 };
  const alone: string[] = [];
  for (const id of [null, adapterId]) {
    await bench.api.playground.attach({ adapterId: id });
    const done = (await collect<GenerateEvent>(await bench.api.playground.generate(prompt))).at(-1);
    alone.push(done?.type === 'done' ? done.result.text : '');
  }
  const events = await collect<CompareEvent>(
    await bench.api.playground.compare({ ...prompt, adapterIds: [null, adapterId] }),
  );
  const texts = [0, 1].map((row) =>
    events.flatMap((event) => (event.type === 'text' && event.row === row ? [event.text] : [])).join(''),
  );
  expect(texts).toEqual(alone);
  expect(
    events
      .filter((event) => event.type === 'done')
      .map(({ row, result }) => [row, result.text])
      .toSorted(),
  ).toEqual([
    [0, alone[0]],
    [1, alone[1]],
  ]);
  await expect(
    bench.api.playground.compare({ ...prompt, adapterIds: Array.from({ length: 5 }, () => null) }),
  ).rejects.toThrow();
});

it('a mix is told in the state until something else is attached', async () => {
  const mix = { adapterIds: [adapterId, adapterId] as [string, string], share: 0.25 };
  await bench.api.playground.mix(mix);
  expect(await bench.api.playground.state()).toMatchObject({ mix, adapterId: null });
  await bench.api.playground.attach({ adapterId });
  expect(await bench.api.playground.state()).toMatchObject({ mix: null, adapterId });
  await expect(bench.api.playground.mix({ ...mix, share: 1.5 })).rejects.toThrow();
});

it('an empty prompt is refused, a conversation needs none', async () => {
  await expect(bench.api.playground.generate({ prompt: '' })).rejects.toSatisfy((error) =>
    errorDataOf(error).message.includes('prompt'),
  );
  const events = await collect<GenerateEvent>(
    await bench.api.playground.generate({ messages: [{ role: 'user', content: 'Hi' }], maxNew: 1 }),
  );
  expect(events.at(-1)).toMatchObject({ type: 'done', result: { tokens: 1 } });
  expect(await bench.api.playground.chat({ modelId })).toEqual({ template: false });
});

it('history is kept under its id, votes are counted for those who took part', async () => {
  const { history, votes } = bench.api.playground;
  const request: HistoryRequest = {
    mode: 'completion',
    compare: false,
    blind: false,
    system: '',
    prompts: ['One day'],
    sampling: { maxNew: 8, temperature: 0, stop: [] },
  };
  const { id } = await history.save({ modelId, title: 'One day', request, answers: [] });
  expect(await history.save({ id, modelId, title: 'One day, later', request, answers: [] })).toEqual({ id });
  expect(await history.list({ search: 'LATER' })).toMatchObject([{ id, title: 'One day, later' }]);
  expect(await history.get({ id })).toMatchObject({ modelId, request, answers: [] });
  await history.remove({ id });
  expect(await history.get({ id }).catch((error: unknown) => errorDataOf(error))).toMatchObject({
    code: 'HISTORY_NOT_FOUND',
  });
  expect(await votes.cast({ modelId, adapterIds: [adapterId, null], best: 0 })).toEqual([
    { adapterId: null, won: 0, tied: 0, lost: 1 },
    { adapterId, won: 1, tied: 0, lost: 0 },
  ]);
  await expect(votes.cast({ modelId, adapterIds: ['adapter-gone', null], best: null })).rejects.toThrow(/adapter-gone/);
  expect(await votes.reset({ modelId })).toEqual([]);
});

it('a worker that dies is told to whoever watches, with the base to load again', async () => {
  const states: PlaygroundState[] = [];
  const stop = bench.services.playground.subscribe((state) => states.push(state));
  const writing = collect<GenerateEvent>(
    await bench.api.playground.generate({ prompt: 'One day', maxNew: 200 }),
    (event) => {
      if (event.type === 'text') process.kill(bench.services.playground.state.pid!, 'SIGKILL');
    },
  );
  expect(await writing.catch((error: unknown) => errorDataOf(error))).toMatchObject({
    code: 'PLAYGROUND_CRASHED',
    message: expect.stringContaining('load the model again') as string,
  });
  expect(states.at(-1)).toMatchObject({
    modelId: null,
    load: null,
    generating: false,
    crashed: { modelId, error: { code: 'PLAYGROUND_CRASHED' } },
  });
  states.length = 0;
  await bench.api.playground.load({ modelId, engine: 'wasm' });
  expect(states.some(({ loading }) => loading !== null && loading.done > 0)).toBe(true);
  expect(await bench.api.playground.unload()).toMatchObject({ modelId: null, crashed: null });
  stop();
});
