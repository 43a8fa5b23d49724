import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildSpec, findParts, startRunSchema } from '../app/runs/input.ts';
import { MODEL, openBench, type TestBench } from '../../test-support/rigs/services.ts';

let bench: TestBench;
let folder: string;
beforeEach(() => {
  bench = openBench();
  folder = path.join(bench.dir, 'hub');
  fs.mkdirSync(folder);
  for (const split of ['train', 'test']) {
    const rows = Array.from({ length: 5 }, (_, i) => ({ prompt: `${split} ${i} `, completion: 'x', id: i }));
    fs.writeFileSync(path.join(folder, `${split}.jsonl`), rows.map((row) => JSON.stringify(row)).join('\n'));
  }
});
afterEach(() => bench.close());

it('a split of a folder is a dataset: looked at, edited, run, and noticed when a file in it changes', async () => {
  const { datasets, models } = bench.api;
  expect(await datasets.look({ file: folder })).toMatchObject({
    rows: 5,
    notes: ['train; there is also test'],
    unused: [{ field: 'id', rows: 5 }],
  });
  const test = await datasets.add({ file: folder, part: 'test' });
  const again = await datasets.add({ file: folder, part: 'test' });
  const train = await datasets.add({ file: folder });
  expect(again.id).toBe(test.id);
  expect(train.id).not.toBe(test.id);
  expect((await datasets.rows({ id: test.id, count: 1 })).rows[0]!.cells[0]).toBe('test 0 ');

  const model = await models.add({ dir: MODEL });
  const specOf = (datasetId: string) => {
    const input = startRunSchema.parse({
      modelId: model.id,
      datasetId,
      taskName: 't',
      method: { type: 'lora' },
      train: {},
    });
    return buildSpec(bench.services.home, input, findParts(bench.services, input));
  };
  expect(specOf(test.id)).toMatchObject({
    epochEnds: true,
    data: { file: folder, part: 'test', hash: test.hash, controlTokens: false },
  });

  const edits = { changed: [{ index: 0, values: { prompt: 'new ', completion: 'x' } }], removed: [], added: [] };
  const edited = await datasets.saveVersion({ id: test.id, edits });
  expect(edited).toMatchObject({ version: 2, source: folder, format: 'jsonl', rows: 5 });
  expect(specOf(test.id).data).not.toHaveProperty('part');

  const states = async () => (await datasets.versions({ id: test.id })).map(({ state }) => state);
  expect(await states()).toEqual(['same', 'same']);
  fs.appendFileSync(path.join(folder, 'test.jsonl'), '\n{"prompt": "more ", "completion": "y"}\n');
  expect(await states()).toEqual(['same', 'changed']);
  expect(await datasets.takeChanged({ id: test.id })).toMatchObject({ version: 3, part: 'test', rows: 6 });
});
