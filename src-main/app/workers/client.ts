/**
 * Typed calls to a worker process: parameters in, events, one result; the death of the process is an error, never
 * silence.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { ErrorData } from '../../../src-shared/errors.ts';
import type { ControlAction, WorkerCallName, WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { SpawnWorker, WorkerChannel, WorkerExit } from './channel.ts';

export interface WorkerCall<K extends WorkerCallName> {
  promise: Promise<WorkerCalls[K]['result']>;
  control(action: ControlAction): void;
}

/** A call that a worker process has not answered. */
export interface LostCall {
  name: WorkerCallName;
  /** The run that it trained. */
  runId?: string;
}

/** Told when a process ended although it had something to do and nobody wanted it to end. */
type OnLost = (exit: WorkerExit, calls: readonly LostCall[]) => void;

interface Pending {
  call: LostCall;
  onEvent: (event: unknown) => void;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export class WorkerClient {
  #channel: WorkerChannel;
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #exit: WorkerExit | undefined;
  #isKilled = false;
  #onLost: OnLost | undefined;

  constructor(channel: WorkerChannel, onLost?: OnLost) {
    this.#channel = channel;
    this.#onLost = onLost;
    channel.onMessage((message) => this.#receive(message));
    channel.onExit((exit) => this.#ended(exit));
  }

  get pid(): number | undefined {
    return this.#channel.pid;
  }

  get alive(): boolean {
    return this.#exit === undefined;
  }

  onExit(listener: (exit: WorkerExit) => void): void {
    this.#channel.onExit(listener);
  }

  /** The promise rejects with the worker's GraftError, or WORKER_CRASHED when the process ends before it answers. */
  call<K extends WorkerCallName>(
    name: K,
    params: WorkerCalls[K]['params'],
    onEvent: (event: WorkerCalls[K]['event']) => void = () => undefined,
  ): WorkerCall<K> {
    const id = this.#nextId++;
    const promise = new Promise<WorkerCalls[K]['result']>((resolve, reject) => {
      if (this.#exit) return reject(crashError(this.#exit));
      this.#pending.set(id, {
        call: lostCall({ name, params } as NamedCall),
        // The wire carries what the type of the call says; both ends are compiled against src-shared/workerCalls.ts.
        onEvent: (event) => onEvent(event as WorkerCalls[K]['event']),
        resolve: (result) => resolve(result as WorkerCalls[K]['result']),
        reject,
      });
      this.#channel.post({ kind: 'call', id, name, params } as Parameters<WorkerChannel['post']>[0]);
    });
    return { promise, control: (action) => this.#channel.post({ kind: 'control', id, action }) };
  }

  kill(): void {
    this.#isKilled = true;
    this.#channel.kill();
  }

  /** Kills the process and resolves when it is gone, and its memory with it. */
  async end(): Promise<void> {
    const gone = new Promise<void>((resolve) => (this.alive ? this.onExit(() => resolve()) : resolve()));
    this.kill();
    await gone;
  }

  #receive(message: unknown): void {
    if (!isAnswer(message)) return;
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.kind === 'event') return this.#deliver(message.id, pending, message.event);
    this.#pending.delete(message.id);
    if (message.kind === 'result') pending.resolve(message.result);
    else pending.reject(GraftError.fromData(message.error));
  }

  /** A listener that fails (for instance: the disk of the catalogue is full) ends its call, not the whole app. */
  #deliver(id: number, pending: Pending, event: unknown): void {
    try {
      pending.onEvent(event);
    } catch (error) {
      this.#pending.delete(id);
      pending.reject(error);
    }
  }

  #ended(exit: WorkerExit): void {
    this.#exit = exit;
    const calls = [...this.#pending.values()].map(({ call }) => call);
    if (calls.length > 0 && !this.#isKilled) this.#onLost?.(exit, calls);
    for (const { reject } of this.#pending.values()) reject(crashError(exit));
    this.#pending.clear();
  }
}

type Answer =
  | { kind: 'event'; id: number; event: unknown }
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'error'; id: number; error: ErrorData };

/** A native library may write to the channel of its own accord; what is not an answer is not ours. */
function isAnswer(message: unknown): message is Answer {
  if (typeof message !== 'object' || message === null || !('kind' in message) || !('id' in message)) return false;
  if (typeof message.id !== 'number') return false;
  if (message.kind === 'error') {
    return (
      'error' in message && typeof message.error === 'object' && message.error !== null && 'message' in message.error
    );
  }
  return message.kind === 'event' || message.kind === 'result';
}

type NamedCall = { [K in WorkerCallName]: { name: K; params: WorkerCalls[K]['params'] } }[WorkerCallName];

function lostCall(call: NamedCall): LostCall {
  return call.name === 'train' ? { name: call.name, runId: call.params.spec.runId } : { name: call.name };
}

function crashError(exit: WorkerExit): GraftError {
  return new GraftError(
    'WORKER_CRASHED',
    `The worker process ${howItEnded(exit)}; try again, with a smaller batch or another engine if memory ran out.`,
    { ...exit },
  );
}

/** What follows "The worker process". */
export function howItEnded({ code, signal, lastErrorLine }: WorkerExit): string {
  const how = signal
    ? `was ended by ${signal}`
    : code === null
      ? 'could not be started'
      : `ended with exit code ${code}`;
  return lastErrorLine ? `${how}, last saying "${lastErrorLine.slice(0, 300)}"` : how;
}

/** All worker processes of this Graft process, so that none outlives it. */
export class Workers {
  #spawnWorker: SpawnWorker;
  #clients = new Set<WorkerClient>();
  #onLost: OnLost | undefined;

  constructor(spawnWorker: SpawnWorker, onLost?: OnLost) {
    this.#spawnWorker = spawnWorker;
    this.#onLost = onLost;
  }

  spawn(): WorkerClient {
    const client = new WorkerClient(this.#spawnWorker(), this.#onLost);
    this.#clients.add(client);
    client.onExit(() => this.#clients.delete(client));
    return client;
  }

  /** One call in a process of its own, which an aborted signal ends; it throws WORKER_CRASHED then. */
  async once<K extends WorkerCallName>(
    name: K,
    params: WorkerCalls[K]['params'],
    onEvent?: (event: WorkerCalls[K]['event']) => void,
    signal?: AbortSignal,
  ): Promise<WorkerCalls[K]['result']> {
    signal?.throwIfAborted();
    const client = this.spawn();
    const kill = (): void => client.kill();
    signal?.addEventListener('abort', kill);
    try {
      return await client.call(name, params, onEvent).promise;
    } finally {
      signal?.removeEventListener('abort', kill);
      client.kill();
    }
  }

  /** Ends every worker and waits until they are gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.end()));
  }
}
