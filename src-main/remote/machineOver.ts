/** A machine made of an agent's answers and of a way to move files. */
import type { Ask } from './ask.ts';
import type { Machine } from './machine.ts';
import { fetchFiles, sendFiles, type Move } from './transfer.ts';

export interface Carrier {
  name: string;
  isLocal: boolean;
  move: Move;
  close(): void;
}

export function machineOver(ask: Ask, { name, isLocal, move, close }: Carrier): Machine {
  const turns = new Map<string, Promise<unknown>>();
  /** Two copies into the same folder take turns: the second finds there what the first has brought. */
  const inTurn = <T>(folder: string, work: () => Promise<T>): Promise<T> => {
    const mine = (turns.get(folder) ?? Promise.resolve()).then(work);
    const done = mine.catch(() => undefined).finally(() => turns.get(folder) === done && turns.delete(folder));
    turns.set(folder, done);
    return mine;
  };
  return {
    name,
    isLocal,
    run: (argv, { cwd, input, timeoutMs } = {}) =>
      ask('run', { argv, cwd, input, timeoutMs }, timeoutMs === undefined ? Infinity : timeoutMs + ANSWER_MS),
    start: (argv, { cwd, logFile }) => ask('start', { argv, cwd, logFile }),
    isAlive: (pid) => ask('isAlive', { pid }),
    signal: async (pid, signal) => void (await ask('signal', { pid, signal })),
    read: async (file, { from, most } = {}) => {
      const found = await ask('read', { file, from, most });
      return found && { bytes: new Uint8Array(Buffer.from(found.base64, 'base64')), sizeBytes: found.sizeBytes };
    },
    write: async (file, text) => void (await ask('write', { file, text })),
    makeFolder: async (dir) => void (await ask('makeFolder', { dir })),
    exists: (path) => ask('exists', { path }),
    remove: async (dir) => void (await ask('remove', { dir }, REMOVE_DEADLINE_MS)),
    freeBytes: (dir) => ask('freeBytes', { dir }),
    send: (from, to, options = {}) => inTurn(`to ${to}`, () => sendFiles(ask, move, { name, from, to, ...options })),
    fetch: (from, to, options = {}) => inTurn(`at ${to}`, () => fetchFiles(ask, move, { name, from, to, ...options })),
    close,
  };
}

/** For the way there and back. */
const ANSWER_MS = 30_000;
/** Network file systems take their time over a hundred thousand files. */
const REMOVE_DEADLINE_MS = 600_000;
