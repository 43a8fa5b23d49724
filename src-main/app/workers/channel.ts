/**
 * The wire to one worker process. The command line and the web host fork Node; Electron passes its own channel
 * (a utilityProcess) of the same shape.
 */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { ToWorker } from '../../../src-shared/workerCalls.ts';
import { workerEnvironment } from './environment.ts';

export interface WorkerExit {
  code: number | null;
  signal: string | null;
  /** Last line the process wrote to stderr; empty when there was none. */
  lastErrorLine: string;
}

export interface WorkerChannel {
  readonly pid: number | undefined;
  post(message: ToWorker): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when the process has ended or could not be started. */
  onExit(listener: (exit: WorkerExit) => void): void;
  /** Ends the process at once; its files are written atomically, so nothing half-written stays. */
  kill(): void;
}

/** gpu: the graphics card it is to compute on; null: whatever the driver takes. */
export type SpawnWorker = (gpu?: string | null) => WorkerChannel;

/** As bundle or as source, like this file; a test may have built the bundle, which starts half a second sooner. */
const WORKER_ENTRY =
  process.env['GRAFT_WORKER'] ||
  path.resolve(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../../worker/main.ts' : 'worker.js');

/** Starts a worker as a child of this Node process. */
export function forkWorker(gpu: string | null = null, entry: string = WORKER_ENTRY): WorkerChannel {
  const child = fork(entry, [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: workerEnvironment(gpu),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C in a terminal goes to the whole group; here the parent decides what becomes of its workers.
    detached: process.platform !== 'win32',
  });
  let lastErrorLine = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    lastErrorLine = lastLine(chunk) || lastErrorLine;
  });
  const exitListeners: ((exit: WorkerExit) => void)[] = [];
  let ended = false;
  const end = (code: number | null, signal: string | null) => {
    if (ended) return;
    ended = true;
    for (const listener of exitListeners) listener({ code, signal, lastErrorLine });
  };
  // 'close' comes after the last byte of stderr, 'error' when the process could not be started.
  child.on('close', end);
  child.on('error', (error) => {
    lastErrorLine = error.message;
    if (child.pid === undefined) end(null, null);
  });
  return {
    pid: child.pid,
    post: (message) => void (child.connected && child.send(message, () => undefined)),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void exitListeners.push(listener),
    kill: () => void child.kill('SIGKILL'),
  };
}

function lastLine(text: string): string {
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
      .at(-1) ?? ''
  );
}
