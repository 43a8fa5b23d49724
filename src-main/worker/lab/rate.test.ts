/** The rate finder on a small model: the training's own steps, from the same start each time, and nothing kept. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { RateProgress } from '../../../src-shared/lab.ts';
import { CallControl } from '../control.ts';
import { train } from '../train/train.ts';
import { labRate, labRateGrid } from './rate.ts';

const silent = (): void => undefined;

/** Every file beside the run, model and rows included, by its content. */
function contents({ runDir }: RunSpec): Record<string, string> {
  const root = path.dirname(runDir);
  const files = filesBelow(root).filter((name) => fs.statSync(path.join(root, name)).isFile());
  const hash = (name: string) =>
    crypto
      .createHash('sha256')
      .update(fs.readFileSync(path.join(root, name)))
      .digest('hex');
  return Object.fromEntries(files.map((name) => [name, hash(name)]));
}

it.each([{ type: 'lora' }, { type: 'lora', init: 'eva' }, { type: 'full' }])(
  '$type $init: rates rise, the first loss is the untrained one, nothing is written',
  async (method) => {
    const spec = await tinyRun({ method, train: { keepBest: true, checkpointEvery: 1, evalEvery: 1 } });
    const before = contents(spec);
    const told: RateProgress[] = [];
    const curve = await labRate({ spec, from: 1e-5, to: 1e-1, steps: 20 }, (event) => told.push(event));
    const grid = await labRateGrid({ spec, around: 1e-3, steps: 2 }, silent);
    expect(contents(spec)).toEqual(before);
    expect(told.at(-1)).toEqual({ done: 20, total: 20 });
    expectClose(
      curve.rates.slice(1).map((rate, i) => rate / curve.rates[i]!),
      Array.from({ length: 19 }, () => 1e4 ** (1 / 19)),
      { rtol: 1e-9, atol: 0 },
    );
    expect(grid.runs.map(({ lr }) => lr)).toEqual([1e-4, 3e-4, 1e-3, 3e-3, 1e-2]);

    const result = await train({ ...spec, train: { ...spec.train, steps: 1 } }, false, silent, new CallControl());
    expectClose([curve.losses[0]!], [result.firstLoss], { rtol: 1e-6, atol: 0 });
  },
);

it('each short run ends as that run would by itself, whatever was tried before it', async () => {
  const spec = await tinyRun({ method: { dropout: 0.2 }, train: { warmup: 1, schedule: 'cosine' } });
  const { runs, initialValLoss } = await labRateGrid({ spec, around: 1e-2, steps: 4 }, silent);
  const { lr, valLoss } = runs[2]!;
  const alone = await train({ ...spec, train: { ...spec.train, lr, steps: 4 } }, false, silent, new CallControl());
  expectClose([valLoss!, initialValLoss], [alone.valLoss!, alone.initialValLoss!], { rtol: 1e-6, atol: 0 });
});

it('a search ends where the loss breaks away, a short run that loses its loss has none', async () => {
  const spec = await tinyRun({ method: { type: 'full' }, train: { clip: 0, maxBadSteps: 2 } });
  const curve = await labRate({ spec, from: 1e-2, to: 1e4, steps: 40 }, silent);
  expect(curve.stoppedAt).toBe(curve.rates.at(-1));
  expect(curve.rates.length).toBeLessThan(40);
  const { runs } = await labRateGrid({ spec, around: 1e20, steps: 6 }, silent);
  expect(runs.at(-1)!.valLoss).toBeNull();
});

it('short runs want rows to be compared on', async () => {
  const spec = await tinyRun({ train: { val: 0 } });
  await expect(labRateGrid({ spec, around: 1e-3, steps: 2 }, silent)).rejects.toMatchObject({ code: 'NO_VALIDATION' });
});
