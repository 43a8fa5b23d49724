/**
 * Entry of the worker process: answers calls one after the other, and dies with its parent. It runs as a forked Node
 * process or as an Electron utilityProcess; both only pass plain messages.
 */
import { flushCompileCache } from 'node:module';
import { toErrorData } from '../../src-shared/errors.ts';
import { ANSWERED_TOGETHER, type FromWorker, type ToWorker } from '../../src-shared/workerCalls.ts';
import { orDeviceError } from '../engine/backends/deviceWatch.ts';
import { answerCall } from './calls.ts';
import { CallControl } from './control.ts';

type Send = (message: FromWorker) => void;

const controls = new Map<number, CallControl>();
/** The backend is one global device, so calls wait for each other, but for those that share their passes. */
let last: Promise<void> = Promise.resolve();

function receive(message: ToWorker, send: Send): void {
  if (message.kind === 'control') {
    controls.get(message.id)?.ask(message.action);
    return;
  }
  const { id, name, params } = message;
  const control = new CallControl();
  controls.set(id, control);
  const emit = (event: unknown): void => send({ kind: 'event', id, event });
  const answer = async (): Promise<void> => {
    try {
      const result = await orDeviceError(() => answerCall(name, params, emit, control));
      send({ kind: 'result', id, result });
    } catch (error) {
      send({ kind: 'error', id, error: toErrorData(error) });
    } finally {
      controls.delete(id);
      keepCompiled();
    }
  };
  if (ANSWERED_TOGETHER.has(name)) void last.then(answer);
  else last = last.then(answer);
}

let kept = false;

/**
 * Where NODE_COMPILE_CACHE is set, Node writes what it has compiled as it exits; a worker is killed before that, so
 * it writes after its first call, for the next ones.
 */
function keepCompiled(): void {
  if (kept) return;
  kept = true;
  flushCompileCache();
}

interface UtilityPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

const utilityPort = (process as unknown as { parentPort?: UtilityPort }).parentPort;
if (utilityPort) {
  utilityPort.on('message', ({ data }) => receive(data as ToWorker, (message) => utilityPort.postMessage(message)));
} else {
  process.on('message', (message) => receive(message as ToWorker, (answer) => void process.send?.(answer)));
  process.on('disconnect', () => process.exit(0));
}
