/** What is left of a memory for a run. */
import os from 'node:os';
import { expect, it } from 'vitest';
import { cardRoom, limitRoom, machineRoom, roomFor, verdictOf } from './memoryRoom.ts';

const GB = 1e9;
const machine = (totalBytes: number, constrainedBytes: number, availableBytes: number, ownBytes = 0) =>
  machineRoom({ totalBytes, constrainedBytes, availableBytes, ownBytes });

it('leaves out what other programs hold of a card, and the reserve', () => {
  expect(cardRoom({ totalBytes: 8 * GB, usedBytes: 1.2 * GB, source: 'x' }).freeBytes).toBeCloseTo(6.4 * GB, -3);
  expect(cardRoom({ totalBytes: 8 * GB, usedBytes: null, source: 'x' })).toMatchObject({
    heldBytes: null,
    freeBytes: 7.6 * GB,
  });
  expect(cardRoom({ totalBytes: 8 * GB, usedBytes: 8 * GB, source: 'x' }).freeBytes).toBe(0);
});

it('takes the container where that has less, and what is available', () => {
  expect(machine(16 * GB, 0, 10 * GB)).toMatchObject({
    totalBytes: 16 * GB,
    heldBytes: 6 * GB,
    freeBytes: 10 * GB,
    mostBytes: 15.2 * GB,
  });
  expect(machine(16 * GB, 4 * GB, 10 * GB)).toMatchObject({
    totalBytes: 4 * GB,
    heldBytes: 0,
    freeBytes: 3.8 * GB,
    source: 'the limit of the container',
  });
  expect(machine(16 * GB, 2 ** 63, 16 * GB)).toMatchObject({ totalBytes: 16 * GB, freeBytes: 15.2 * GB });
  expect(limitRoom(3 * GB)).toMatchObject({ freeBytes: 3 * GB, mostBytes: 3 * GB });
});

it('is the same before a run has loaded anything and when it holds 4 of the 10 GB that were available', () => {
  const [planned, running] = [machine(16 * GB, 0, 10 * GB), machine(16 * GB, 0, 6 * GB, 4 * GB)];
  expect(running).toEqual(planned);
  expect(machine(16 * GB, 0, 15 * GB, 4 * GB)).toMatchObject({ heldBytes: 0, freeBytes: 15.2 * GB });
});

it('is that of the limit before that of the card, and that of the machine for wasm', () => {
  const card = { totalBytes: 8 * GB, usedBytes: 0, source: 'the driver' };
  const room = { gpu: true, card };
  expect(roomFor({ engine: 'webgpu', train: { memoryLimitBytes: GB } }, room)).toEqual(limitRoom(GB));
  expect(roomFor({ engine: 'webgpu', train: {} }, room)).toEqual(cardRoom(card));
  expect(roomFor({ engine: 'webgpu', train: {} }, { gpu: true, card: null })).toBeNull();
  expect(roomFor({ engine: 'wasm', train: {} }, room)?.totalBytes).toBeLessThanOrEqual(os.totalmem());
});

it('calls a run tight above 85 % of what is free', () => {
  expect([850, 851, 1000, 1001].map((bytes) => verdictOf(bytes, 1000))).toEqual([
    'fits',
    'tight',
    'tight',
    'does not fit',
  ]);
  expect(verdictOf(1, null)).toBe('unknown');
});
