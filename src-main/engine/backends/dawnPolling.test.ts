import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { slowDownPolling } from './dawnPolling.ts';

const own = globalThis.setImmediate;
beforeAll(slowDownPolling);
afterAll(() => void (globalThis.setImmediate = own));

/** Turns of the event loop until a callback is called. */
async function turnsUntil(schedule: (done: () => void) => void): Promise<number> {
  let turns = 0;
  let called = false;
  schedule(() => (called = true));
  while (!called) {
    await new Promise<void>((resolve) => own(() => resolve()));
    turns++;
  }
  return turns;
}

/** What a native function looks like: a proxy prints as one, and keeps its target's prototype. */
const nativeLooking = (done: () => void): (() => void) =>
  new Proxy(function () {
    done();
  }, {}) as () => void;

it('functions of native code wait for a timer, so that the event loop may sleep', async () => {
  expect(await turnsUntil((done) => setImmediate(nativeLooking(done)))).toBeGreaterThan(1);
});

it('all others are called in the next turn, also those that settle a promise', async () => {
  expect(await turnsUntil((done) => setImmediate(done))).toBe(1);
  expect(await turnsUntil((done) => setImmediate(done.bind(null)))).toBe(1);
  expect(await promisify(setImmediate)('kept')).toBe('kept');
});

it('can be cancelled, and is put in place once', () => {
  const slow = globalThis.setImmediate;
  slowDownPolling();
  expect(globalThis.setImmediate).toBe(slow);
  clearImmediate(setImmediate(() => expect.unreachable()));
});
