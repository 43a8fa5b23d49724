import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DatasetFiles } from '../../datasets/datasetFiles.ts';
import { lengthBias } from './lengthBias.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-bias-'));
const files = new DatasetFiles(path.join(dir, 'cache'));
afterAll(() => {
  files.close();
  fs.rmSync(dir, { recursive: true });
});

async function biasOf(rows: object[]) {
  const file = path.join(dir, `${fs.readdirSync(dir).length}.jsonl`);
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return lengthBias(await files.index({ file }), await files.survey({ file }));
}

it('counts the answers alone, without prompt and space around them', async () => {
  const found = await biasOf([
    { prompt: 'a long question', chosen: ' abcd ', rejected: ' ab ' },
    { prompt: 'q', chosen: 'a', rejected: 'abc' },
    { prompt: 'q', chosen: 'abc', rejected: 'xyz' },
    {
      chosen: [
        { role: 'user', content: 'a question' },
        { role: 'assistant', content: 'abcdef' },
      ],
      rejected: [
        { role: 'user', content: 'a question' },
        { role: 'assistant', content: 'no' },
      ],
    },
  ]);
  expect(found).toEqual({
    total: 4,
    pairs: 4,
    longer: 2,
    shorter: 1,
    medianChosen: 3.5,
    medianRejected: 2.5,
    points: [
      { chosen: 4, rejected: 2 },
      { chosen: 1, rejected: 3 },
      { chosen: 3, rejected: 3 },
      { chosen: 6, rejected: 2 },
    ],
  });
});

it('pairs with the same chosen answer repeat one another only with the same rejected one', async () => {
  const file = path.join(dir, 'repeated.jsonl');
  const rows = ['x', 'y', 'x'].map((rejected) => JSON.stringify({ prompt: 'q', chosen: 'a', rejected }));
  fs.writeFileSync(file, rows.join('\n'));
  expect((await files.survey({ file })).good.repeated).toBe(1);
});

it('of a large file pairs from all over it', async () => {
  // Chosen answers are the longer ones in the last tenth only.
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    prompt: `q${i}`,
    chosen: i >= 4500 ? 'abc' : 'a',
    rejected: 'bc',
  }));
  const found = await biasOf(rows);
  expect([found.total, found.pairs, found.longer, found.shorter]).toEqual([5000, 2000, 200, 1800]);
  expect(found.points.length).toBeLessThanOrEqual(400);
});
