import { afterAll, describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { checkDataset } from './check.ts';
import { assertTrainable, prepareDataset } from './dataset.ts';
import { splitExamples } from './split.ts';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { loadTokenizer } from './tokenizer.ts';
import { IGNORED } from './types.ts';

const STORIES = 'data/stories260k';
const folder = new TestFolder();
afterAll(() => folder.remove());

const jsonl = (name: string, rows: unknown[]) =>
  folder.write(name, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n') + '\n');

describe.skipIf(!hasShared(STORIES))(`prepareDataset${skipNote(STORIES)}`, () => {
  const tokenizer = () => loadTokenizer(sharedPath(STORIES));

  it('keeps good rows and reports unreadable and wrong ones by line', async () => {
    const file = jsonl('mixed.jsonl', [
      { prompt: 'a', completion: ' b' },
      { prompt: 'a', completion: 3 },
      '{oops',
      { prompt: 'c', completion: ' d' },
      { prompt: 'e' },
    ]);
    const prepared = await prepareDataset({ file, maxLength: 64, tokenizer: tokenizer() });
    expect(prepared.examples.map((example) => example.line)).toEqual([1, 4]);
    expect(prepared.bad.map((row) => row.line)).toEqual([2, 3, 5]);
    expect(prepared).toMatchObject({ kind: 'completion', unusable: [], stats: { rows: 2 } });
    expect(() => assertTrainable(prepared)).not.toThrow();
    const refused = await graftError(() => assertTrainable(prepared, { allowBadRows: false }));
    expect(refused).toMatchObject({ code: 'DATASET_BAD_ROWS', message: expect.stringContaining('3 rows') as string });
    expect(refused.message).toContain('line 2: "completion" is a number, not text; line 3: not valid JSON');
  });

  it('does not start a run with rows that have nothing to learn after truncation', async () => {
    const long = 'name : Alimentum | area : city centre | family friendly : no';
    const file = jsonl('long.jsonl', [
      { prompt: 'a', completion: ' b' },
      ...Array<unknown>(12).fill({ prompt: long, completion: ' x' }),
    ]);
    const promptTokens = tokenizer().encodePrompt(long).length;
    const prepared = await prepareDataset({ file, maxLength: 16, tokenizer: tokenizer() });
    expect(prepared.examples.map((example) => example.line)).toEqual([1]);
    expect(prepared.unusable).toHaveLength(12);
    expect(prepared.unusable[0]).toEqual({
      line: 2,
      reason: `the prompt alone fills max length 16: ${promptTokens} tokens`,
    });
    const refused = await graftError(() => assertTrainable(prepared));
    expect(refused.code).toBe('DATASET_NO_LABELS');
    expect(refused.message).toContain('12 rows');
    expect(refused.message).toContain('line 11: ');
    expect(refused.message).not.toContain('line 12: ');
    expect(refused.message).toMatch(/and 2 more\); raise --max-length or drop these rows\.$/);
    // One more token than the prompt is enough; exactly the prompt is not.
    const enough = await prepareDataset({ file, maxLength: promptTokens + 1, tokenizer: tokenizer() });
    expect(enough.unusable).toEqual([]);
    expect(enough.examples[1]!.labelled).toBe(1);
    expect((await prepareDataset({ file, maxLength: promptTokens, tokenizer: tokenizer() })).unusable).toHaveLength(12);
  });

  it('refuses a file of which no row can be used, and unknown columns', async () => {
    const none = jsonl('none.jsonl', ['{oops', '{again']);
    expect(await graftError(() => prepareDataset({ file: none, maxLength: 64, tokenizer: tokenizer() }))).toMatchObject(
      { code: 'DATASET_NO_USABLE_ROWS', message: expect.stringContaining('line 1: ') as string },
    );
    const wrong = jsonl('wrong.jsonl', [{ prompt: 1, completion: 2 }]);
    expect((await graftError(() => prepareDataset({ file: wrong, maxLength: 64, tokenizer: tokenizer() }))).code).toBe(
      'DATASET_NO_USABLE_ROWS',
    );
    const unknown = jsonl('unknown.jsonl', [{ question: 'a', answer: 'b' }]);
    expect(
      (await graftError(() => prepareDataset({ file: unknown, maxLength: 64, tokenizer: tokenizer() }))).code,
    ).toBe('DATASET_COLUMNS');
    const mapped = await prepareDataset({
      file: unknown,
      map: { prompt: 'question', completion: 'answer' },
      maxLength: 64,
      tokenizer: tokenizer(),
    });
    expect(tokenizer().decode(mapped.examples[0]!.ids)).toBe('ab');
  });

  it('prepares E2E so that no input is in training and validation at once', async () => {
    const file = sharedPath('data/e2e/dev.jsonl');
    const prepared = await prepareDataset({ file, maxLength: 256, tokenizer: tokenizer() });
    expect(prepared.examples).toHaveLength(4672);
    expect(new Set(prepared.examples.map((example) => example.group)).size).toBe(547);
    const { train, val } = splitExamples(prepared.examples, 0.05, 0);
    const promptOf = ({ ids, labels }: (typeof train)[number]) =>
      ids
        .slice(
          0,
          labels.findIndex((label) => label !== IGNORED),
        )
        .join();
    const trained = new Set(train.map(promptOf));
    expect(val.filter((example) => trained.has(promptOf(example)))).toEqual([]);
    expect(Math.abs(val.length - 0.05 * 4672)).toBeLessThan(10);
    const { stats } = prepared;
    expect(stats.tokens).toBe(prepared.examples.reduce((sum, example) => sum + example.ids.length, 0));
    expect(stats.histogram.reduce((sum, bucket) => sum + bucket.rows, 0)).toBe(4672);
    expect(() => assertTrainable(prepared)).not.toThrow();
  });

  it('checkDataset shows rows as the model sees them', async () => {
    const file = jsonl('check.jsonl', [
      { instruction: 'Add', input: '1 2', output: '3' },
      '{oops',
      { instruction: 'Say hi', output: 'hi' },
    ]);
    const bare = await checkDataset({ file });
    expect(bare).toMatchObject({
      format: 'jsonl',
      kind: 'alpaca',
      columns: ['instruction', 'input', 'output'],
      rows: 2,
      bad: [{ line: 2 }],
    });
    expect(bare.preview.map((row) => [row.line, row.completion])).toEqual([
      [1, '3'],
      [3, 'hi'],
    ]);
    expect(bare.preview[0]!.prompt).toMatch(/### Input:\n1 2\n\n### Response:\n$/);
    expect(bare.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(bare.stats).toBeUndefined();
    const counted = await checkDataset({ file, tokenizerDir: sharedPath(STORIES), maxLength: 20 });
    expect(counted).toMatchObject({ rows: 0, unusable: [{ line: 1 }, { line: 3 }], sha256: bare.sha256 });
    const whole = await checkDataset({ file, tokenizerDir: sharedPath(STORIES) });
    expect(whole).toMatchObject({ rows: 2, unusable: [], stats: { rows: 2, truncated: 0 } });
  });
});

describe.skipIf(!hasShared('data/instruct'))(`checkDataset on real files${skipNote('data/instruct')}`, () => {
  it('shows the last answer of a conversation as the completion', async () => {
    const check = await checkDataset({ file: sharedPath('data/instruct/derived_self_instruct/sharegpt.json') });
    expect(check).toMatchObject({ kind: 'messages', rows: 427, bad: [] });
    expect(check.preview).toHaveLength(5);
    expect(check.preview[0]!.prompt).toMatch(/^User: Is there anything I can eat .*\nAssistant:$/s);
    expect(check.preview[0]!.completion).toMatch(/^ Yes, you can have 1 oatmeal/);
  });

  it('asks for --map where only prompts are there, and takes them as texts', async () => {
    const file = sharedPath('data/instruct/prompts_csv/prompts_2026-01.csv');
    expect((await graftError(() => checkDataset({ file }))).code).toBe('DATASET_COLUMNS');
    const check = await checkDataset({ file, map: { text: 'prompt' } });
    expect(check).toMatchObject({ kind: 'text', format: 'csv' });
    expect(check.rows + check.bad.length).toBe(919);
  });
});
