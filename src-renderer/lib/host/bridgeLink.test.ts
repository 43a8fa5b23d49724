import { createTRPCClient } from '@trpc/client';
import { expect, test } from 'vitest';
import type { AppRouter } from '../../../src-main/api/router.ts';
import type { BridgeCall, BridgeEvent, BridgeReply, GraftBridge } from '../../../src-main/hosts/electron/bridge.ts';
import { bridgeLink } from './bridgeLink.ts';
import { errorSentence, streamOptions } from '../stream.ts';

const failure = {
  message: 'It broke.',
  code: -32600,
  data: { graft: { code: 'BROKEN', message: 'The disk is full; free some space.' } },
};

/** A bridge that answers every call alike and lets the test play the events of a subscription. */
function fakeBridge(reply: BridgeReply) {
  const calls: BridgeCall[] = [];
  const live = { cancelled: false, play: (_event: BridgeEvent): void => undefined };
  const bridge: GraftBridge = {
    host: 'electron',
    call: async (request) => {
      calls.push(request);
      return reply;
    },
    subscribe: (_request, onEvent) => {
      live.play = onEvent;
      return () => (live.cancelled = true);
    },
    pickFolder: async () => null,
    pathOf: () => '',
    onRequest: () => () => undefined,
    pickFile: async () => null,
  };
  return { calls, live, client: createTRPCClient<AppRouter>({ links: [bridgeLink(bridge)] }) };
}

function watch({ client }: ReturnType<typeof fakeBridge>) {
  const seen: string[] = [];
  const handlers = {
    data: () => void seen.push('data'),
    failed: (sentence: string) => void seen.push(sentence),
    done: () => void seen.push('done'),
  };
  const subscription = client.runs.watch.subscribe(
    { id: 'run-1' },
    streamOptions(handlers, () => subscription.unsubscribe()),
  );
  return { seen, subscription };
}

test('queries and mutations go over with their type, path and input', async () => {
  const fake = fakeBridge({ ok: true, data: { removed: 'model-1' } });
  await expect(fake.client.models.remove.mutate({ id: 'model-1' })).resolves.toEqual({ removed: 'model-1' });
  await fake.client.models.list.query();
  expect(fake.calls).toEqual([
    { type: 'mutation', path: 'models.remove', input: { id: 'model-1' } },
    { type: 'query', path: 'models.list', input: undefined },
  ]);
});

test('a refusal reaches the page as the sentence of the GraftError', async () => {
  const error: unknown = await fakeBridge({ ok: false, error: failure })
    .client.models.list.query()
    .catch((caught: unknown) => caught);
  expect(errorSentence(error)).toBe('The disk is full; free some space.');
});

test('a subscription delivers its data and ends', () => {
  const fake = fakeBridge({ ok: true, data: null });
  const { seen } = watch(fake);
  fake.live.play({ kind: 'data', data: { type: 'checkpoint', step: 3 } });
  fake.live.play({ kind: 'done' });
  expect(seen).toEqual(['data', 'done']);
});

test('a subscription that fails says why, once', () => {
  const fake = fakeBridge({ ok: true, data: null });
  const { seen } = watch(fake);
  fake.live.play({ kind: 'error', error: failure });
  expect(seen).toEqual(['The disk is full; free some space.']);
});

test('leaving the page cancels the subscription in the main process', () => {
  const fake = fakeBridge({ ok: true, data: null });
  watch(fake).subscription.unsubscribe();
  expect(fake.live.cancelled).toBe(true);
});
