/**
 * How much memory a run can have: of a card, of the machine, or of the limit that it was given. Plan, preflight and the
 * guard of a running run all ask here, so that a run that was said to fit is not cut in halves for lack of memory.
 */
import os from 'node:os';
import type { CardMemory, MemoryRoom, Room, Verdict } from '../../../src-shared/plan.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

/** Share of a memory that is left to drivers and the system. */
const MOST = 0.95;
/** Share of what is free above which a run counts as tight: the estimate is good to about this. */
const TIGHT = 0.85;

/**
 * Of a run of these settings; null where nobody tells the card's memory. `ownBytes`: what the process that asks holds
 * already and would use for the run.
 */
export function roomFor(
  { engine, train }: Pick<RunSpec, 'engine'> & { train: Pick<RunSpec['train'], 'memoryLimitBytes'> },
  { gpu, card }: Pick<Room, 'gpu' | 'card'>,
  ownBytes = 0,
): MemoryRoom | null {
  if (train.memoryLimitBytes !== undefined) return limitRoom(train.memoryLimitBytes);
  if (gpu && engine !== 'wasm') return card && cardRoom(card);
  return machineRoom({ ownBytes });
}

export function verdictOf(totalBytes: number, limitBytes: number | null): Verdict {
  if (limitBytes === null) return 'unknown';
  if (totalBytes > limitBytes) return 'does not fit';
  return totalBytes > TIGHT * limitBytes ? 'tight' : 'fits';
}

export function limitRoom(limitBytes: number): MemoryRoom {
  return {
    totalBytes: limitBytes,
    heldBytes: null,
    freeBytes: limitBytes,
    mostBytes: limitBytes,
    source: 'the memory limit of this run',
  };
}

/** What others hold is not there for the run; where the driver does not tell it, all counts as free. */
export function cardRoom({ totalBytes, usedBytes, source }: CardMemory): MemoryRoom {
  const mostBytes = Math.floor(MOST * totalBytes);
  return { totalBytes, heldBytes: usedBytes, freeBytes: Math.max(0, mostBytes - (usedBytes ?? 0)), mostBytes, source };
}

/** Of the machine, or of the container where that has less. */
export function machineRoom({
  totalBytes = os.totalmem(),
  constrainedBytes = process.constrainedMemory(),
  availableBytes = process.availableMemory(),
  ownBytes = 0,
} = {}): MemoryRoom {
  const inContainer = constrainedBytes > 0 && constrainedBytes < totalBytes;
  const total = inContainer ? constrainedBytes : totalBytes;
  const available = Math.min(total, availableBytes + ownBytes);
  const mostBytes = Math.floor(MOST * total);
  return {
    totalBytes: total,
    heldBytes: total - available,
    freeBytes: Math.min(mostBytes, available),
    mostBytes,
    source: inContainer ? 'the limit of the container' : 'the system',
  };
}
