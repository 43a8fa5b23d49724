import { initTRPC, tracked } from '@trpc/server';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { procedure, router as graftRouter } from '../../api/trpc.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { CHANNELS } from './bridge.ts';
import type { BridgeEvent } from './bridge.ts';
import { FakeIpc } from '../../../test-support/fakes/fakeIpc.ts';
import { serveBridge } from './ipcBridge.ts';
import { createPageBridge } from './pageBridge.ts';

const ORIGIN = 'app://graft';
const PAGE = `${ORIGIN}/index.html#/runs`;

/** A router with the product's own procedure and error formatter; `stored` and `ended` show its side effects. */
function setUp() {
  const stored: number[] = [];
  const ended: string[] = [];
  const ticks = procedure.input(z.number()).subscription(async function* ({ input, signal }) {
    try {
      for (let i = 0; i < input; i++) yield i;
      // Goes on for ever, like a run that is watched; only a cancellation ends it.
      if (input > 1) await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    } finally {
      ended.push(`ticks ${input}`);
    }
  });
  const router = graftRouter({
    double: procedure.input(z.number()).query(({ input }) => input * 2),
    store: procedure.input(z.object({ value: z.number() })).mutation(({ input }) => {
      stored.push(input.value);
      return { count: stored.length };
    }),
    refuse: procedure.query(() => {
      throw usageError('RANK_TOO_HIGH', 'rank 99 is above 64; choose a lower rank.', { got: 99, max: 64 });
    }),
    ticks,
    fails: procedure.subscription(async function* () {
      yield 'first';
      throw usageError('RUN_GONE', 'The run is gone; start it again.', { run: 'r1' });
    }),
    marked: procedure.subscription(async function* () {
      yield tracked('7', 'seven');
    }),
  });
  const ipc = new FakeIpc();
  serveBridge({ ipc, router, context: {}, origin: ORIGIN });
  return { ipc, stored, ended };
}

let world: ReturnType<typeof setUp>;
beforeEach(() => {
  world = setUp();
});
const pageAt = (url: string, parent: unknown = null) => {
  const page = world.ipc.page(url, parent);
  return { ...page, graft: createPageBridge(page.renderer, () => '') };
};

/** Waits, in turns of the event loop, until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn++) await sleep(1);
  expect(condition()).toBe(true);
}

describe('calls', () => {
  it('carries a query and a mutation', async () => {
    const { graft } = pageAt(PAGE);
    expect(await graft.call({ type: 'query', path: 'double', input: 21 })).toEqual({ ok: true, data: 42 });
    expect(await graft.call({ type: 'mutation', path: 'store', input: { value: 5 } })).toEqual({
      ok: true,
      data: { count: 1 },
    });
    expect(world.stored).toEqual([5]);
  });

  it('carries a GraftError with its code and details', async () => {
    const { graft } = pageAt(PAGE);
    const reply = await graft.call({ type: 'query', path: 'refuse', input: undefined });
    expect(reply).toMatchObject({
      ok: false,
      error: {
        message: 'rank 99 is above 64; choose a lower rank.',
        data: {
          code: 'BAD_REQUEST',
          path: 'refuse',
          graft: { code: 'RANK_TOO_HIGH', details: { got: 99, max: 64 }, kind: 'usage' },
        },
      },
    });
  });

  it('refuses an input that the procedure does not take, an unknown path, and the wrong kind', async () => {
    const { graft } = pageAt(PAGE);
    const codeOf = async (type: 'query' | 'mutation', path: string, input: unknown) => {
      const reply = await graft.call({ type, path, input });
      return reply.ok ? 'ok' : reply.error.data['code'];
    };
    expect(await codeOf('query', 'double', 'two')).toBe('BAD_REQUEST');
    expect(await codeOf('query', 'nothing', 1)).toBe('NOT_FOUND');
    expect(await codeOf('query', 'store', { value: 1 })).toBe('NOT_FOUND');
    expect(await codeOf('query', '__proto__.toString', 1)).toBe('NOT_FOUND');
    expect(world.stored).toEqual([]);
  });

  it('refuses malformed messages', async () => {
    const { renderer } = pageAt(PAGE);
    for (const message of [
      undefined,
      'double',
      { type: 'subscription', path: 'ticks', input: 1 },
      { type: 'query', path: 'double', input: 1, extra: 1 },
    ]) {
      expect(await renderer.invoke(CHANNELS.call, message)).toMatchObject({
        ok: false,
        error: { data: { code: 'BAD_REQUEST' } },
      });
    }
  });

  it('answers no other channel', async () => {
    const { renderer } = pageAt(PAGE);
    await expect(renderer.invoke('graft:eval', 'process.exit()')).rejects.toThrow(/No handler/);
  });
});

describe('senders', () => {
  it.each([
    ['another site', 'https://graft/index.html', null],
    ['a look-alike', 'app://graft.evil/index.html', null],
    ['a file', 'file:///index.html', null],
    ['a frame inside our page', PAGE, { url: PAGE }],
  ])('rejects %s', async (_name, url, parent) => {
    const { graft, received } = pageAt(url, parent);
    await expect(graft.call({ type: 'mutation', path: 'store', input: { value: 1 } })).rejects.toThrow(/may not call/);
    graft.subscribe({ path: 'ticks', input: 1 }, () => undefined);
    await sleep(10);
    expect(world.stored).toEqual([]);
    expect(world.ended).toEqual([]);
    expect(received).toEqual([]);
  });
});

describe('subscriptions', () => {
  it('delivers every value and the end', async () => {
    const { graft } = pageAt(PAGE);
    const events: BridgeEvent[] = [];
    graft.subscribe({ path: 'ticks', input: 1 }, (event) => events.push(event));
    await until(() => events.at(-1)?.kind === 'done');
    expect(events).toEqual([{ kind: 'data', data: 0 }, { kind: 'done' }]);
  });

  it('stops the procedure when the page cancels, and nothing arrives after that', async () => {
    const { graft } = pageAt(PAGE);
    const events: BridgeEvent[] = [];
    const cancel = graft.subscribe({ path: 'ticks', input: 2 }, (event) => events.push(event));
    await until(() => events.length === 2);
    cancel();
    await until(() => world.ended.length === 1);
    await sleep(5);
    expect(events).toEqual([
      { kind: 'data', data: 0 },
      { kind: 'data', data: 1 },
    ]);
  });

  it.each(['did-navigate', 'destroyed'])('ends with the page (%s)', async (signal) => {
    const { graft, sender } = pageAt(PAGE);
    const events: BridgeEvent[] = [];
    graft.subscribe({ path: 'ticks', input: 3 }, (event) => events.push(event));
    await until(() => events.length === 3);
    sender.emit(signal);
    await until(() => world.ended.includes('ticks 3'));
  });

  it('keeps two subscriptions of one page, and two pages, apart', async () => {
    const [a, b] = [pageAt(PAGE), pageAt(PAGE)];
    const seen: Record<string, number> = { first: 0, second: 0, other: 0 };
    const count = (name: string) => (event: BridgeEvent) =>
      void (event.kind === 'data' && (seen[name] = (seen[name] ?? 0) + 1));
    const cancelFirst = a.graft.subscribe({ path: 'ticks', input: 2 }, count('first'));
    a.graft.subscribe({ path: 'ticks', input: 3 }, count('second'));
    b.graft.subscribe({ path: 'ticks', input: 4 }, count('other'));
    await until(() => seen['first'] === 2 && seen['second'] === 3 && seen['other'] === 4);
    cancelFirst();
    await until(() => world.ended.length === 1);
    expect(world.ended).toEqual(['ticks 2']);
  });

  it('delivers an error with its GraftError data as the last event', async () => {
    const { graft } = pageAt(PAGE);
    const events: BridgeEvent[] = [];
    graft.subscribe({ path: 'fails', input: undefined }, (event) => events.push(event));
    await until(() => events.length === 2);
    expect(events[0]).toEqual({ kind: 'data', data: 'first' });
    expect(events[1]).toMatchObject({
      kind: 'error',
      error: { data: { graft: { code: 'RUN_GONE', details: { run: 'r1' } } } },
    });
  });

  it('gives tracked values as the HTTP host does, and refuses a query as a subscription', async () => {
    const { graft } = pageAt(PAGE);
    const marked: BridgeEvent[] = [];
    const wrong: BridgeEvent[] = [];
    graft.subscribe({ path: 'marked', input: undefined }, (event) => marked.push(event));
    graft.subscribe({ path: 'double', input: 1 }, (event) => wrong.push(event));
    await until(() => marked.length === 2 && wrong.length === 1);
    expect(marked[0]).toEqual({ kind: 'data', data: { id: '7', data: 'seven' } });
    expect(wrong[0]).toMatchObject({ kind: 'error', error: { data: { code: 'NOT_FOUND' } } });
  });
});

it('does not depend on the product formatter: a plain router works too', async () => {
  const t = initTRPC.create();
  const ipc = new FakeIpc();
  serveBridge({
    ipc,
    router: t.router({ fails: t.procedure.query(() => Promise.reject(new Error('no luck'))) }),
    context: {},
    origin: ORIGIN,
  });
  const graft = createPageBridge(ipc.page(PAGE).renderer, () => '');
  expect(await graft.call({ type: 'query', path: 'fails', input: null })).toMatchObject({
    ok: false,
    error: { message: 'no luck', data: { code: 'INTERNAL_SERVER_ERROR' } },
  });
});
