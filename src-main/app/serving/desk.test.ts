/** Requests on their way, with a worker that answers when the test says so. */
import { expect, it } from 'vitest';
import type { WorkerClient } from '../workers/client.ts';
import type { GenerateResult } from '../../../src-shared/generation.ts';
import { RequestDesk } from './desk.ts';

const RESULT: GenerateResult = { text: 'x', tokens: 3, promptTokens: 2, stopReason: 'eos', tokensPerSecond: 10 };

/** A desk, the calls that reached its worker, and ways to ask. */
function openDesk() {
  const calls: { prompt: string; stopped: boolean; finish: (result?: Partial<GenerateResult>) => void }[] = [];
  const worker = {
    call: (_name: string, { prompt }: { prompt: string }) => {
      const { promise, resolve } = Promise.withResolvers<GenerateResult>();
      const call = { prompt, stopped: false, finish: (result = {}) => resolve({ ...RESULT, ...result }) };
      calls.push(call);
      const control = (): void => {
        call.stopped = true;
        call.finish({ stopReason: 'cancelled' });
      };
      return { promise, control };
    },
  } as unknown as WorkerClient;
  const desk = new RequestDesk(
    () => Promise.resolve(worker),
    () => undefined,
  );
  const ask = (client: string, prompt: string, signal = new AbortController().signal): Promise<GenerateResult> =>
    desk.ask({
      client,
      answerer: { name: 'task', adapter: null },
      params: { prompt, maxNew: 1, temperature: 0 },
      onPiece: () => undefined,
      signal,
    });
  return { desk, calls, ask };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('answers 32 at once, lets clients take turns, and refuses what would wait behind 256', async () => {
  const { desk, calls, ask } = openDesk();
  const greedy = Array.from({ length: 32 + 255 }, (_, i) => ask('greedy', `greedy ${i}`));
  const other = ask('other', 'other');
  await settled();
  expect(desk.figures).toMatchObject({ answering: 32, waiting: 256 });
  await expect(ask('third', 'third')).rejects.toMatchObject({
    code: 'SERVING_BUSY',
    details: { retryAfterS: expect.any(Number) as number },
  });
  calls[0]!.finish();
  calls[1]!.finish();
  await settled();
  expect(calls.slice(32).map(({ prompt }) => prompt)).toEqual(['greedy 32', 'other']);
  calls[33]!.finish();
  expect(await other).toEqual(RESULT);
  for (let i = 0; i < calls.length; i++) {
    calls[i]!.finish();
    await settled();
  }
  await Promise.all(greedy);
  expect(desk.figures).toMatchObject({ answering: 0, waiting: 0, answered: 288, tokens: 3 * 288, requests: [] });
});

it('a client that goes away leaves the queue, or ends its answer', async () => {
  const { desk, calls, ask } = openDesk();
  const controllers = Array.from({ length: 34 }, () => new AbortController());
  const answers = controllers.map(({ signal }, i) => ask('one', `${i}`, signal));
  await settled();
  controllers[33]!.abort();
  await expect(answers[33]).rejects.toMatchObject({ code: 'CANCELLED' });
  controllers[0]!.abort();
  expect((await answers[0])!.stopReason).toBe('cancelled');
  expect(calls[0]!.stopped).toBe(true);
  await settled();
  expect(calls.map(({ prompt }) => prompt)).toContain('32');
  expect(desk.figures).toMatchObject({ answering: 32, waiting: 0 });
  await expect(ask('one', 'late', controllers[0]!.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
});
