/**
 * Entry of the worker process: answers the calls of protocol.ts, one after the other, and dies with its parent.
 * It runs as a forked Node process or as an Electron utilityProcess; both only pass plain messages.
 */
import { checkDataset } from '../datasets/check.ts';
import { orDeviceError } from '../engine/backends/deviceWatch.ts';
import { toErrorData } from '../../src-shared/errors.ts';
import { CallControl } from './control.ts';
import type { FromWorker, ToWorker, WorkerCallName, WorkerCalls } from '../../src-shared/workerCalls.ts';
import { reportEngines } from './engines.ts';
import { evaluate } from './verify/evaluate.ts';
import { inspectStep } from './train/inspectStep.ts';
import { mergeAndVerify } from './verify/merge.ts';
import { modelNeeds } from './plan/modelNeeds.ts';
import { Planner } from './plan/planner.ts';
import { preflight } from './plan/preflight.ts';
import { checkTokenizer } from './tokens/checkTokenizer.ts';
import { Resident } from './serve/resident.ts';
import { countRowTokens, previewRowTokens } from './tokens/rowTokens.ts';
import { selfTest } from './verify/selfTest.ts';
import { train } from './train/train.ts';

type Handler<K extends WorkerCallName> = (
  params: WorkerCalls[K]['params'],
  emit: (event: WorkerCalls[K]['event']) => void,
  control: CallControl,
) => Promise<WorkerCalls[K]['result']>;

const resident = new Resident();
const planner = new Planner();

const handlers: { [K in WorkerCallName]: Handler<K> } = {
  engines: ({ calibrate }) => reportEngines(calibrate),
  selfTest: ({ engine }) => selfTest(engine),
  train: ({ spec, resume }, emit, control) => train(spec, resume, emit, control),
  preflight: ({ spec }) => preflight(spec),
  inspectStep: (params, emit) => inspectStep(params, emit),
  plan: ({ spec, room }) => planner.plan(spec, room),
  planLargest: ({ spec, room }) => planner.largest(spec, room),
  modelNeeds: ({ modelDir }) => modelNeeds(modelDir),
  checkTokenizer: ({ modelDir }) => checkTokenizer(modelDir),
  previewTokens: (params) => previewRowTokens(params),
  countTokens: (params, emit) => countRowTokens(params, emit),
  checkDataset: (options) => checkDataset(options),
  evaluate: (params, emit) => evaluate(params, emit),
  load: (params, emit) => resident.load(params, emit),
  attach: ({ adapterDir }) => resident.attach(adapterDir),
  mergeInto: ({ tasks }) => resident.mergeInto(tasks),
  generate: (params, emit, control) => resident.generate(params, emit, control),
  compare: (params, emit, control) => resident.compare(params, emit, control),
  merge: (params, emit) => mergeAndVerify(params, emit),
};

const controls = new Map<number, CallControl>();
/** The engine is one global device, so calls wait for each other. */
let last: Promise<void> = Promise.resolve();

function receive(message: ToWorker, send: (message: FromWorker) => void): void {
  if (message.kind === 'control') {
    controls.get(message.id)?.ask(message.action);
    return;
  }
  const { id, name, params } = message;
  const control = new CallControl();
  controls.set(id, control);
  last = last.then(async () => {
    try {
      const handler = handlers[name] as Handler<WorkerCallName>;
      const result = await orDeviceError(() => handler(params, (event) => send({ kind: 'event', id, event }), control));
      send({ kind: 'result', id, result });
    } catch (error) {
      send({ kind: 'error', id, error: toErrorData(error) });
    } finally {
      controls.delete(id);
    }
  });
}

interface UtilityPort {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

const utilityPort = (process as unknown as { parentPort?: UtilityPort }).parentPort;
if (utilityPort) {
  utilityPort.on('message', ({ data }) => receive(data as ToWorker, (message) => utilityPort.postMessage(message)));
} else {
  process.on('message', (message) => receive(message as ToWorker, (answer) => void process.send!(answer)));
  process.on('disconnect', () => process.exit(0));
}
