/** A worker in this process that trains nothing: it says the losses that a test gives it, step by step. */
import fs from 'node:fs';
import type { SpawnWorker, WorkerExit } from '../../src-main/app/workers/channel.ts';
import { runStateFile } from '../../src-main/runfolder/layout.ts';
import { toErrorData } from '../../src-shared/errors.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../src-shared/training.ts';
import type { ControlAction, ToWorker } from '../../src-shared/workerCalls.ts';

export interface FakeTraining {
  /** Validation loss after a step; of one that is not finite the trainer tells nothing. */
  lossOf(spec: RunSpec, step: number): number;
  /** Whether the run stands still after its first step. */
  holds?(spec: RunSpec): boolean;
  /** Told at each start of a run; what it throws ends the run. */
  began?(spec: RunSpec, from: number): void;
}

interface State {
  asked: 'pause' | 'stop' | null;
  isAlive: boolean;
  isHeld: boolean;
}

function ask(state: State, action: ControlAction): void {
  if (action === 'pause' || action === 'stop') state.asked = action;
  else state.isHeld = action === 'hold';
}

export function fakeTrainer(training: FakeTraining): SpawnWorker {
  return () => {
    const listeners: ((message: unknown) => void)[] = [];
    const exits: ((exit: WorkerExit) => void)[] = [];
    const state: State = { asked: null, isAlive: true, isHeld: false };
    const answer = (message: object): void => {
      if (state.isAlive) for (const listener of listeners) listener(message);
    };
    return {
      pid: undefined,
      post(message: ToWorker) {
        if (message.kind === 'control') ask(state, message.action);
        else if (message.name === 'train')
          train(training, message, state, answer).catch((error: unknown) =>
            answer({ kind: 'error', id: message.id, error: toErrorData(error) }),
          );
      },
      onMessage: (listener) => void listeners.push(listener),
      onExit: (listener) => void exits.push(listener),
      kill() {
        if (!state.isAlive) return;
        state.isAlive = false;
        setImmediate(() => exits.forEach((listener) => listener({ code: null, signal: 'SIGKILL', lastErrorLine: '' })));
      },
    };
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function train(
  { lossOf, holds, began }: FakeTraining,
  { id, params: { spec, resume } }: Extract<ToWorker, { name: 'train' }>,
  state: State,
  answer: (message: object) => void,
): Promise<void> {
  const stateFile = runStateFile(spec.runDir);
  const from = resume ? Number(fs.readFileSync(stateFile, 'utf8')) : 0;
  const { steps = 4, evalEvery } = spec.train;
  const tell = (event: TrainEvent): void => answer({ kind: 'event', id, event });
  const numbers = { engine: 'wasm' as const, device: 'fake', trainableParameters: 10, totalParameters: 100 };
  began?.(spec, from);
  await turn();
  tell({ type: 'started', ...numbers, totalSteps: steps, trainRows: 20, valRows: 4, resumedFrom: from });
  let step = from;
  while (step < steps && !state.asked && state.isAlive) {
    step++;
    const metrics = { lr: 1, gradNorm: 1, tokensPerSecond: 1, memoryBytes: 1, elapsedMs: 1 };
    tell({ type: 'step', step, loss: 1, ...metrics });
    const isDue = step === steps || (evalEvery > 0 && step % evalEvery === 0);
    if (isDue && Number.isFinite(lossOf(spec, step))) tell({ type: 'eval', step, valLoss: lossOf(spec, step) });
    await turn();
    while ((state.isHeld || holds?.(spec)) && state.isAlive && !state.asked) await turn();
  }
  if (!state.isAlive) return;
  fs.writeFileSync(stateFile, String(step));
  const outcome = state.asked && step < steps ? (state.asked === 'pause' ? 'paused' : 'stopped') : 'completed';
  const valLoss = Number.isFinite(lossOf(spec, step)) ? lossOf(spec, step) : null;
  const result: TrainResult = {
    ...numbers,
    outcome,
    outDir: spec.outDir,
    sha256: 'f'.repeat(64),
    sizeBytes: 40,
    steps: step,
    firstLoss: 2,
    finalLoss: 1,
    initialValLoss: 2,
    valLoss,
    tokensPerSecond: 1,
    peakMemoryBytes: 1,
  };
  answer({ kind: 'result', id, result });
}
