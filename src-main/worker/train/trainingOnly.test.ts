/** Settings that change training and nothing else: smoothed labels, noise on the embeddings, recomputed blocks. */
import { beforeAll, expect, it } from 'vitest';
import { bootBackend } from '../../engine/backends/backends.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { openLoop } from '../../../test-support/rigs/loopBench.ts';
import { runStateFile } from '../../runfolder/layout.ts';
import { loadRunState } from './state.ts';
import { trainLoop } from './loop.ts';

beforeAll(async () => void (await bootBackend('wasm')));

async function run(train: object): Promise<{ losses: number[]; firstValLoss: number }> {
  const bench = openLoop(train);
  await trainLoop(bench.run);
  return { losses: [...bench.losses().values()], firstValLoss: bench.run.progress.initialValLoss! };
}

it('smoothing and noise change the training loss, not the validation loss of the same values', async () => {
  const plain = await run({ steps: 2 });
  for (const setting of [{ labelSmoothing: 0.1 }, { neftune: 5 }]) {
    const changed = await run({ steps: 2, ...setting });
    expect(Math.abs(changed.losses[0]! - plain.losses[0]!)).toBeGreaterThan(1e-3);
    expect(changed.firstValLoss).toBe(plain.firstValLoss);
    // Validated on the step's own rows, after no update: still the plain loss.
    const idle = openLoop({ steps: 1, lr: 1e-30, ...setting });
    idle.run.data.val = idle.run.data.train;
    await trainLoop(idle.run);
    expectClose([idle.run.progress.valLoss!], [idle.run.progress.initialValLoss!], { rtol: 1e-6, atol: 0 });
  }
});

it('the noise of a resumed run is that of the uninterrupted one', async () => {
  const settings = { steps: 4, neftune: 5, accumulate: 2 };
  const whole = openLoop(settings);
  await trainLoop(whole.run);
  const first = openLoop(settings);
  first.run.totalSteps = 2;
  first.run.emit = (event) => {
    if (event.type === 'checkpoint' && event.step === 1) first.control.ask('stop');
  };
  await trainLoop(first.run);
  const rest = openLoop(settings, { runDir: first.run.dir });
  rest.run.progress = loadRunState(runStateFile(rest.run.dir), rest.run.method.parameters, rest.run.optimizer);
  expect(rest.run.progress.step).toBe(1);
  await trainLoop(rest.run);
  expect([...rest.losses()].slice(1)).toEqual([...whole.losses()].slice(2));
  expect([...rest.losses()][0]![0]).toBe(2);
});

it('a run with recomputed blocks gives the losses of one without', async () => {
  const [kept, again] = [await run({ gradientCheckpointing: false }), await run({ gradientCheckpointing: true })];
  expectClose(again.losses, kept.losses, { rtol: 1e-5, atol: 0 });
});
