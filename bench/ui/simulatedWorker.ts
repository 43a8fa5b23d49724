/**
 * A worker process that trains nothing: it reports made-up metrics as fast as it is told to, so that the catalogue,
 * the host and the page can be watched under a load that no small model would give. GRAFT_BENCH_RATE: steps per second.
 */
import type { EngineReport } from '../../src-shared/backends.ts';
import type { FromWorker, ToWorker } from '../../src-shared/workerCalls.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../src-shared/training.ts';

const BURST_MS = 10;
const ENGINE: EngineReport = {
  name: 'tensorflow',
  usable: true,
  gpu: false,
  device: 'simulated',
  memoryBytes: null,
  reason: 'Simulated metrics.',
  gflops: null,
};

process.on('message', (message: ToWorker) => {
  if (message.kind !== 'call') return;
  if (message.name === 'engines') send({ kind: 'result', id: message.id, result: [ENGINE] });
  if (message.name === 'train') report(message.id, message.params.spec);
});
process.on('disconnect', () => process.exit(0));

function send(message: FromWorker): void {
  process.send!(message);
}

/** A falling loss with noise and, now and then, a spike. */
function lossAt(step: number): number {
  return 1 + 3 * Math.exp(-step / 8000) + 0.2 * Math.sin(step * 12.9898) + (step % 9973 === 0 ? 4 : 0);
}

function report(id: number, spec: RunSpec): void {
  const totalSteps = spec.train.steps!;
  const emit = (event: TrainEvent): void => send({ kind: 'event', id, event });
  emit({
    type: 'started',
    engine: 'tensorflow',
    device: 'simulated',
    trainableParameters: 10_240,
    totalParameters: 270_272,
    totalSteps,
    trainRows: 400,
    valRows: 20,
    resumedFrom: 0,
  });
  const rate = Number(process.env['GRAFT_BENCH_RATE'] ?? 1000);
  const began = performance.now();
  let step = 0;
  const timer = setInterval(() => {
    const due = Math.min(totalSteps, Math.floor(((performance.now() - began) / 1000) * rate));
    while (step < due) {
      step++;
      emit({
        type: 'step',
        step,
        loss: lossAt(step),
        lr: spec.train.lr * (1 - step / totalSteps),
        gradNorm: 0.5 + 0.1 * Math.cos(step),
        tokensPerSecond: 900,
        memoryBytes: 4e8,
        elapsedMs: 1000 / rate,
      });
      if (spec.train.evalEvery > 0 && step % spec.train.evalEvery === 0) {
        emit({ type: 'eval', step, valLoss: lossAt(step) + 0.1 });
        if (spec.train.samplePrompts.length > 0)
          emit({
            type: 'sample',
            step,
            texts: spec.train.samplePrompts.map((prompt) => `${prompt}, after ${step} steps`),
          });
      }
    }
    if (step === totalSteps) clearInterval(timer);
  }, BURST_MS);
}
