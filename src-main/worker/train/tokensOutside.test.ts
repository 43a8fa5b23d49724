/**
 * A row with a token that the embedding has no row for: bad for check, plan and training alike, before any step. The
 * tokenizer's 259th token is one that the tiny model, with its 258 rows, does not have.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { TINY_VOCAB } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { checkFile } from '../../app/datasets/check.ts';
import { CallControl } from '../control.ts';
import { Planner } from '../plan/planner.ts';
import { train } from './train.ts';

const ROWS = [
  { prompt: 'a', completion: 'b' },
  { prompt: 'c<|x|>', completion: 'd' },
  { prompt: 'e', completion: 'f' },
];
const REASON = `its token ${TINY_VOCAB} (<|x|>) is outside the embedding of the model, which has ${TINY_VOCAB} rows`;
const bad = [{ line: 2, reason: expect.stringContaining(REASON) as string }];

async function run(data: object = {}, rows: object[] = ROWS): Promise<RunSpec> {
  const spec = await tinyRun({ rows: rows.map((row) => JSON.stringify(row)), data, train: { steps: 1, val: 0 } });
  const file = path.join(spec.model.dir, 'tokenizer.json');
  const tokenizer = JSON.parse(fs.readFileSync(file, 'utf8')) as { added_tokens: object[] };
  tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: TINY_VOCAB, content: '<|x|>', special: false });
  fs.writeFileSync(file, JSON.stringify(tokenizer));
  return spec;
}

it('is named by its line in a check, counted in a plan, and left out of the training', async () => {
  const spec = await run();
  const report = await checkFile({ file: spec.data.file, modelDir: spec.model.dir });
  expect([report.rows, report.badRows]).toEqual([2, bad]);
  const plan = await new Planner().plan(spec, { gpu: false, card: null });
  expect([plan.trainRows, plan.badRows]).toEqual([2, 1]);
  const events: TrainEvent[] = [];
  const result = await train(spec, false, (event) => void events.push(event), new CallControl());
  expect(result.steps).toBe(1);
  expect(events).toContainEqual({ type: 'log', message: expect.stringContaining(`(line 2: ${REASON}`) as string });
  expect(events).toContainEqual(expect.objectContaining({ type: 'started', trainRows: 2 }));
});

it('ends a run that allows no bad rows before its first step, with the line', async () => {
  const spec = await run({ allowBadRows: false });
  const events: TrainEvent[] = [];
  await expect(train(spec, false, (event) => void events.push(event), new CallControl())).rejects.toMatchObject({
    code: 'DATASET_BAD_ROWS',
    details: { rows: bad },
  });
  expect(events).toEqual([]);
});

it('beyond the cut it does no harm; a text to be classified is judged alike', async () => {
  const cut = await run({ maxLength: 3, lossOn: 'all' });
  const request = { file: cut.data.file, modelDir: cut.model.dir, lossOn: 'all' } as const;
  expect((await checkFile({ ...request, maxLength: 2 })).badRows).toEqual([]);
  expect((await checkFile({ ...request, maxLength: 3 })).badRows).toEqual(bad);
  const texts = [
    { text: 'a', label: 0 },
    { text: 'c<|x|>', label: 1 },
    { text: 'e', label: 1 },
  ];
  const plan = await new Planner().plan(await run({ classify: true }, texts), { gpu: false, card: null });
  expect([plan.trainRows, plan.badRows]).toEqual([2, 1]);
});
