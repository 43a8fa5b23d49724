/** What an evaluation leaves out or cuts, and that it says so. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import type { EvaluateResult } from '../../../src-shared/training.ts';
import { evaluate } from './evaluate.ts';

async function evaluated(rows: object[], settings: object = {}): Promise<EvaluateResult> {
  const dir = temporaryFolder();
  const modelDir = await writeTinyModel(path.join(dir, 'model'));
  const file = path.join(dir, 'rows.jsonl');
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const data = dataSpecSchema.parse({ file, ...settings });
  return evaluate({ engine: 'wasm', modelDir, data, batch: 4 }, () => undefined);
}

const GOOD = { prompt: 'a', completion: 'b' };

it('bad rows, fields that are not used and cut rows are counted and said', async () => {
  // 64 positions: BOS, 1, 100 and EOS are 103 tokens.
  const long = { prompt: 'a', completion: 'b'.repeat(100), source: 'x' };
  const result = await evaluated([GOOD, { prompt: 'no answer' }, long]);
  expect(result).toMatchObject({
    rows: 2,
    badRows: [{ line: 2, reason: expect.stringContaining('"completion"') as string }],
    unused: [{ field: 'source', rows: 1 }],
    maxLength: 64,
    limitedByModel: true,
    cutRows: 1,
  });
  expect(result.notes).toEqual([
    'Rows are cut at 64 tokens, the longest that this model can see.',
    'Cut at 64 tokens: 1 row.',
    expect.stringMatching(/^Left out: 1 bad row \(line 2: /) as string,
    'Not used: source (1 row).',
  ]);
  expect((await evaluated([GOOD], { maxLength: 64 })).notes).toEqual([]);
});

it('control tokens in the text are text, or tokens where asked for', async () => {
  const row = { prompt: 'a', completion: 'b</s>c' };
  const asText = await evaluated([row]);
  const asTokens = await evaluated([row], { controlTokens: true });
  // b, the four characters of </s>, c and EOS; or b, </s>, c and EOS.
  expect([asText.tokens, asTokens.tokens]).toEqual([7, 4]);
  expect(asText.notes).toContain('1 row spells out control tokens of the model; they are read as text.');
  expect(asTokens.notes).toContain('1 row spells out control tokens of the model; they are read as tokens.');
});

it("at the model's own limit it does not ask for a longer maximum length", async () => {
  const row = { prompt: 'a'.repeat(100), completion: 'b' };
  await expect(evaluated([row, GOOD])).rejects.toMatchObject({
    code: 'DATASET_NO_LABELS',
    message: expect.stringMatching(
      /the 64 tokens that this model sees at most .*; shorten or drop these rows\.$/,
    ) as string,
  });
});

it('a model whose weights hold what is no number is said to have no loss', async () => {
  const dir = temporaryFolder();
  const modelDir = await writeTinyModel(path.join(dir, 'model'));
  const weights = path.join(modelDir, 'model.safetensors');
  const bytes = fs.readFileSync(weights);
  fs.writeFileSync(weights, bytes.fill(0xff, bytes.length - 64));
  const file = path.join(dir, 'rows.jsonl');
  fs.writeFileSync(file, JSON.stringify(GOOD));
  const data = dataSpecSchema.parse({ file });
  await expect(evaluate({ engine: 'wasm', modelDir, data, batch: 4 }, () => undefined)).rejects.toMatchObject({
    code: 'LOSS_NOT_FINITE',
    message: expect.stringContaining(`The loss of ${modelDir} is no number on these rows`) as string,
  });
});
