/** A look back at a step finds its rows, and with the values of that time their losses. */
import { expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { keptStates } from '../../runfolder/keptStates.ts';
import { keptStateFile } from '../../runfolder/layout.ts';
import { CallControl } from '../control.ts';
import { inspectStep } from './inspectStep.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { train } from './train.ts';

async function losses(spec: RunSpec): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  await train(
    spec,
    false,
    (event) => void (event.type === 'step' && found.set(event.step, event.loss)),
    new CallControl(),
  );
  return found;
}

const inspect = (spec: RunSpec, step: number, from: number | null) =>
  inspectStep({ spec, step, state: from === null ? null : keptStateFile(spec.runDir, from) }, () => undefined);

it.each([
  ['plain', {}],
  ['accumulated, label smoothing', { accumulate: 2, labelSmoothing: 0.1 }],
  ['packed and bucketed', { packing: true, bucketing: true }],
])('%s: the weighted mean of the rows is the loss that the step recorded', async (_name, settings) => {
  const spec = await tinyRun({ train: { steps: 9, lr: 3e-2, checkpointEvery: 3, ...settings } });
  const recorded = await losses(spec);
  expect(keptStates(spec.runDir).map(({ step }) => step)).toEqual([3, 6]);
  for (const [step, from] of [
    [1, null],
    [5, 3],
    [5, null],
    [9, 6],
  ] as const) {
    const { meanLoss, rows } = await inspect(spec, step, from);
    expectClose([meanLoss], [recorded.get(step)!], { rtol: 0, atol: 1e-4 });
    const labelled = rows.reduce((sum, row) => sum + row.labelledTokens, 0);
    expectClose([meanLoss], [rows.reduce((sum, row) => sum + row.loss * row.labelledTokens, 0) / labelled], {
      rtol: 1e-12,
      atol: 0,
    });
  }
});

it('a row on its own is a step of one row; its texts are those of the file', async () => {
  const texts = Array.from({ length: 6 }, (_, i) => ({ prompt: `ask ${i}`, completion: ` answer ${'abc'[i % 3]}` }));
  const spec = await tinyRun({ rows: texts.map((row) => JSON.stringify(row)), train: { steps: 4, batch: 1, val: 0 } });
  const recorded = await losses(spec);
  const { rows } = await inspect(spec, 4, null);
  expect(rows).toHaveLength(1);
  const [row] = rows;
  expectClose([row!.loss], [recorded.get(4)!], { rtol: 0, atol: 1e-4 });
  expect(row!.prompt).toContain(texts[row!.line - 1]!.prompt);
  expect(row!.completion).toContain(texts[row!.line - 1]!.completion);
  expect(row!.labelledTokens).toBeLessThan(row!.tokens);
});

it('with dropout the steps before are taken again as they were, from a state as from the start', async () => {
  const spec = await tinyRun({
    method: { dropout: 0.3 },
    train: { steps: 7, lr: 3e-2, checkpointEvery: 3, neftune: 3 },
  });
  await losses(spec);
  expect(await inspect(spec, 5, 3)).toEqual(await inspect(spec, 5, null));
});

it('an excluded line is never in a step, and the rows that validate stay the same', async () => {
  const spec = await tinyRun({ train: { steps: 8, val: 0.3 } });
  const lines = async (of: RunSpec): Promise<Set<number>> =>
    new Set((await inspect(of, 1, null)).rows.map(({ line }) => line));
  const whole = { ...spec, train: { ...spec.train, batch: 9 } };
  const trained = await lines(whole);
  const excluded = [...trained].slice(0, 2);
  const without = {
    ...whole,
    train: { ...whole.train, batch: trained.size - 2 },
    data: { ...spec.data, excludeLines: excluded },
  };
  expect(await lines(without)).toEqual(new Set([...trained].filter((line) => !excluded.includes(line))));
  const nothing = { ...spec, data: { ...spec.data, excludeLines: [...trained] } };
  await expect(inspect(nothing, 1, null)).rejects.toMatchObject({ code: 'EVERYTHING_EXCLUDED' });
});
