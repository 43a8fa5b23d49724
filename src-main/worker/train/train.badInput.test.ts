/** Runs that must not start: one clear sentence each, and nothing left behind. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { GraftError } from '../../../src-shared/errors.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { filesBelow, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { CallControl } from '../control.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { train } from './train.ts';

const row = (prompt: string, completion: string): string => JSON.stringify({ prompt, completion });

interface BadRun {
  title: string;
  code: string;
  says: RegExp;
  overrides?: Parameters<typeof tinyRun>[0];
  /** Spoils the spec or its files. */
  spoil?: (spec: RunSpec) => unknown;
  resume?: boolean;
}

const BAD: BadRun[] = [
  {
    title: 'a target that the model does not have',
    code: 'UNKNOWN_TARGET',
    says: /Target fc .* llama .* q, k, v, o, gate, up, down/,
    overrides: { method: { targets: ['q', 'fc'] } },
  },
  { title: 'rank 0', code: 'BAD_RANK', says: /Rank 0 .* 1 to 8/, overrides: { method: { rank: 0 } } },
  {
    title: 'a rank above the matrix',
    code: 'BAD_RANK',
    says: /Rank 9 .* target v \(16 in, 8 out\).* 1 to 8/,
    overrides: { method: { rank: 9, targets: ['q', 'v'] } },
  },
  {
    title: 'no labelled token left after truncation',
    code: 'DATASET_NO_LABELS',
    says: /line 2.*max length 8/,
    overrides: { rows: [row('a', 'b'), row('a long prompt', 'b')], data: { maxLength: 8 } },
  },
  {
    title: "no labelled token left within the model's own limit",
    code: 'DATASET_NO_LABELS',
    says: /1 row of .* that this model sees at most \(line 2: .*; shorten or leave these rows out/,
    overrides: { rows: [row('a', 'b'), row('a long prompt '.repeat(200), 'b')], data: { maxLength: 100_000 } },
  },
  {
    title: 'bad rows that were not allowed',
    code: 'DATASET_BAD_ROWS',
    says: /line 2/,
    overrides: { rows: [row('a', 'b'), '{"prompt": "c"', row('d', 'e')], data: { allowBadRows: false } },
  },
  {
    title: 'a model that has changed',
    code: 'MODEL_CHANGED',
    says: /have changed since/,
    spoil: (spec) => writeTinyModel(spec.model.dir, { seed: 1 }),
  },
  {
    title: 'a dataset that has changed',
    code: 'DATASET_CHANGED',
    says: /has changed since/,
    overrides: { data: { hash: '0'.repeat(64) } },
  },
  {
    title: 'no tokenizer',
    code: 'TOKENIZER_MISSING',
    says: /has no tokenizer\.json/,
    spoil: (spec) => fs.rmSync(path.join(spec.model.dir, 'tokenizer.json')),
  },
  {
    title: 'a packed base that is to be trained itself',
    code: 'BASE_DTYPE',
    says: /Full fine-tuning changes the base.* as int8; train a LoRA adapter/,
    overrides: { method: { type: 'full' } },
    spoil: (spec) => (spec.baseDtype = 'int8'),
  },
  { title: 'nothing to resume from', code: 'NOT_RESUMABLE', says: /no checkpoint in/, resume: true },
];

it.each(BAD)('$title', async ({ code, says, overrides, spoil, resume = false }) => {
  const spec = await tinyRun(overrides);
  await spoil?.(spec);
  const events: TrainEvent[] = [];
  const error = await train(spec, resume, (event) => void events.push(event), new CallControl()).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GraftError);
  expect(error).toMatchObject({ code });
  const { message } = error as GraftError;
  expect(message).toMatch(says);
  expect(message).toMatch(/^[^\n]+\.$/);
  expect(events.filter(({ type }) => type !== 'log' && type !== 'loading')).toEqual([]);
  expect(filesBelow(spec.outDir)).toEqual([]);
  expect(filesBelow(spec.runDir)).toEqual([]);
});

it('the state of another run is refused by the tensor that does not fit', async () => {
  const spec = await tinyRun({ train: { steps: 4, checkpointEvery: 2 } });
  const keep = path.join(path.dirname(spec.runDir), 'kept');
  await train(
    spec,
    false,
    (event) => {
      if (event.type === 'checkpoint') fs.cpSync(spec.runDir, keep, { recursive: true });
    },
    new CallControl(),
  );
  const other = { ...spec, runDir: keep, outDir: `${spec.outDir}-2`, method: { ...spec.method, rank: 3 } };
  await expect(train(other, true, () => undefined, new CallControl())).rejects.toMatchObject({
    code: 'NOT_RESUMABLE',
    message: expect.stringContaining('tensor 0.q.lora_A'),
  });
  expect(filesBelow(other.outDir)).toEqual([]);
});
