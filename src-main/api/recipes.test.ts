/** Recipes through the API and the command line: a new version with its lineage, and the source as it was. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LossEvent, PrepareEvent, RecipeInput } from '../../src-shared/recipes.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import { readArgs } from '../hosts/cli/args.ts';
import { datasetsPrepare } from '../hosts/cli/datasetsPrepare.ts';
import { MODEL, openBench, type TestBench } from '../../test-support/rigs/services.ts';

let bench: TestBench;
let file: string;
const ROWS = [
  { prompt: ' Wer? ', completion: 'Rückerstattung' },
  { prompt: 'Was?', completion: 'Umtausch' },
  { prompt: 'Was?', completion: 'Umtausch' },
  { prompt: 'Mail a@b.de', completion: 'Umtausch' },
];
beforeEach(() => {
  bench = openBench();
  file = path.join(bench.dir, 'rows.jsonl');
  fs.writeFileSync(file, ROWS.map((row) => JSON.stringify(row)).join('\n'));
});
afterEach(() => bench.close());

const RECIPE = {
  trim: {},
  values: { columns: [{ column: 'completion', map: [{ from: 'Rückerstattung', to: 'refund' }] }] },
  mask: {},
  duplicates: {},
} satisfies RecipeInput;

const linesOf = (written: string): unknown[] =>
  fs
    .readFileSync(written, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

async function prepared(id: string, recipe: RecipeInput, modelId?: string): Promise<PrepareEvent[]> {
  const { job } = await bench.api.datasets.noteRecipe({ id, recipe, modelId });
  const events: PrepareEvent[] = [];
  for await (const event of await bench.api.datasets.prepare({ job })) events.push(event as PrepareEvent);
  return events;
}

it('a recipe makes a new version, which tells its source, its recipe and what each step did', async () => {
  const { id } = await bench.api.datasets.add({ file });
  const events = await prepared(id, RECIPE);
  expect(events[0]).toEqual({ done: 0, total: 4 });
  expect(events.at(-1)).toMatchObject({ version: 2, report: { rows: 4, kept: 3 } });
  const before = fs.readFileSync(file, 'utf8');
  await bench.reopen();
  const [dataset] = await bench.api.datasets.list();
  expect(dataset).toMatchObject({ id, version: 2, rows: 3, source: file });
  expect(linesOf(dataset!.file)).toEqual([
    { prompt: 'Wer?', completion: 'refund' },
    { prompt: 'Was?', completion: 'Umtausch' },
    { prompt: 'Mail [EMAIL]', completion: 'Umtausch' },
  ]);
  expect(fs.readFileSync(file, 'utf8')).toBe(before);
  const [second, first] = await bench.api.datasets.versions({ id });
  expect(second).toMatchObject({
    state: 'same',
    change: 'Prepared by a recipe: 3 of 4 rows, from version 1',
    preparation: { from: 1, recipe: { trim: { on: true }, values: RECIPE.values }, report: { masked: { email: 1 } } },
  });
  expect(first).not.toHaveProperty('preparation');
});

it('a preview writes nothing', async () => {
  const { id } = await bench.api.datasets.add({ file });
  const preview = await bench.api.datasets.previewRecipe({ id, recipe: RECIPE });
  expect(preview).toMatchObject({
    total: 4,
    report: { rows: 4, kept: 3 },
    personal: { rows: 1, counts: { email: 1 } },
  });
  expect(preview.personal.examples).toEqual([
    { line: 4, column: 'prompt', kind: 'email', before: 'Mail ', found: 'a@b.de', after: '' },
  ]);
  expect(await bench.api.datasets.versions({ id })).toHaveLength(1);
  expect(fs.existsSync(path.join(bench.home, 'datasets', id))).toBe(false);
});

it('a recipe that leaves nothing to learn from leaves no file either', async () => {
  const { id } = await bench.api.datasets.add({ file });
  const none = { filter: { conditions: [{ column: 'prompt', is: 'is' as const, value: 'nobody' }] } };
  await expect(prepared(id, none)).rejects.toMatchObject({ code: 'DATASET_NO_USABLE_ROWS' });
  const empty = {
    values: { columns: [{ column: 'completion', map: ROWS.map(({ completion }) => ({ from: completion, to: '' })) }] },
  };
  await expect(prepared(id, empty)).rejects.toThrow('With this recipe no row of rows.jsonl could be used');
  expect(fs.readdirSync(path.join(bench.home, 'datasets', id))).toEqual([]);
});

it('lengths in tokens are those of the model that is named', async () => {
  const { id } = await bench.api.datasets.add({ file });
  const length = { unit: 'tokens', most: 16, column: 'prompt', then: 'cut' } as const;
  await expect(prepared(id, { length })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  const long = path.join(bench.dir, 'long.jsonl');
  const prompt = 'Once upon a time there was a little cat. '.repeat(20).trim();
  fs.writeFileSync(long, JSON.stringify({ prompt, completion: 'x' }));
  const model = await bench.api.models.add({ dir: MODEL });
  const added = await bench.api.datasets.add({ file: long });
  await prepared(added.id, { length }, model.id);
  const [version] = await bench.api.datasets.versions({ id: added.id });
  expect(version?.preparation?.model).toBe(model.name);
  const pieces = linesOf(version!.file).map((row) => (row as { prompt: string }).prompt);
  expect(pieces.join(' ')).toBe(prompt);
  const tokenizer = loadTokenizer(MODEL);
  const lengths = pieces.map((piece) => tokenizer.encode(piece, { addSpecialTokens: false }).length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(16);
  expect(Math.min(...lengths)).toBeGreaterThan(4);
});

it('a row unlike what the base was trained on has the highest loss, as it is measured alone', async () => {
  // Rows of the starter's own sample, and one of another kind.
  const sample = linesOf(path.join(MODEL, '..', 'data', 'describe.jsonl')) as (typeof ROWS)[number][];
  const strange = { prompt: sample[0]!.prompt, completion: ' }{ qzx ;; 0x7f WWW' };
  const rows = [sample[0]!, sample[1]!, strange, sample[2]!];
  const mixed = path.join(bench.dir, 'mixed.jsonl');
  // A bad line, so that numbers and lines differ.
  fs.writeFileSync(mixed, ['{"prompt": ', ...rows.map((row) => JSON.stringify(row))].join('\n'));
  const { id } = await bench.api.datasets.add({ file: mixed, allowBadRows: true });
  const model = await bench.api.models.add({ dir: MODEL });
  const events: LossEvent[] = [];
  for await (const event of await bench.api.datasets.rowLosses({ id, modelId: model.id }))
    events.push(event as LossEvent);
  const last = events.at(-1)!;
  if (!('highest' in last)) throw new Error('no result');
  expect(events.slice(0, -1)).toEqual([1, 2, 3, 4].map((done) => ({ done, total: 4 })));
  expect(last.measured).toBe(4);
  const [worst, ...others] = last.highest;
  expect(worst).toMatchObject({ index: 2, line: 4, text: `${strange.prompt} · ${strange.completion}` });
  expect(others.every(({ loss }) => loss < worst!.loss - 1)).toBe(true);

  const alone = path.join(bench.dir, 'alone.jsonl');
  fs.writeFileSync(alone, JSON.stringify(rows[2]));
  const data = { file: alone, map: {}, maxLength: 1024, lossOn: 'completion' as const };
  const engine = await bench.services.engines.resolve('auto');
  const measured = await bench.services.workers.once('evaluate', { engine, modelDir: MODEL, data, batch: 1 });
  expect(worst!.loss).toBeCloseTo(measured.loss, 4);
  expect(worst!.tokens).toBe(measured.tokens);
});

async function said(...argv: string[]): Promise<{ lines: string[]; result: object }> {
  const { run, options, positionals } = datasetsPrepare;
  const lines: string[] = [];
  const print = (line: string): number => lines.push(line);
  const { services, api } = bench;
  const args = readArgs(argv, options, positionals);
  const result = await run({ args, services, api, json: false, print, write: print, say: () => undefined });
  return { lines, result };
}

it('the command line carries out the same recipe, and says what is wrong with another', async () => {
  const recipe = path.join(bench.dir, 'recipe.json');
  fs.writeFileSync(recipe, JSON.stringify(RECIPE));
  const tried = await said(file, '--recipe', recipe, '--preview');
  expect(tried.lines.at(-1)).toBe('3 rows of 4');
  expect((await bench.api.datasets.list())[0]).toMatchObject({ version: 1 });
  const { lines, result } = await said(file, '--recipe', recipe);
  expect(lines.find((line) => line.startsWith('Leave out repeated rows'))).toMatch(/\b4 +0 +1 +0$/);
  expect(lines.at(-1)).toMatch(/^Version 2 of rows\.jsonl has 3 rows: /);
  expect(linesOf((result as { file: string }).file)).toHaveLength(3);

  for (const [text, wrong] of [
    ['{"trim": ', 'recipe.json is not valid JSON'],
    ['{"tirm": {}}', 'Unrecognized key: "tirm"'],
    ['{"sample": {"rows": 0}}', 'sample.rows: '],
    ['{"filter": {"conditions": [{"column": "a", "is": "longerThan", "value": "x"}]}}', 'is a number'],
    ['{"length": {"most": 100, "then": "cut"}}', 'needs the column'],
  ] as const) {
    fs.writeFileSync(recipe, text);
    await expect(said(file, '--recipe', recipe)).rejects.toThrow(wrong);
  }
});
