/** Rows from the cache of tokens are those that are tokenised in memory, row by row, whatever they are made of. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { graftError } from '../../../test-support/fixtures/dataFiles.ts';
import { Random } from '../../../src-shared/random.ts';
import { prepareDataset } from '../dataset.ts';
import { splitExamples, splitRowList } from '../split.ts';
import { loadTokenizer } from '../tokenizer.ts';
import { prepareTokens, tokensOrSample } from './preparedTokens.ts';
import { tokenCacheDir } from './tokenCache.ts';
import type { TokeniseOptions } from './tokeniseFile.ts';
import type { TokenisedExample } from '../types.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-test-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const modelDir = path.join(folder, 'model');
fs.mkdirSync(modelDir);
writeTinyTokenizer(modelDir);

beforeEach(() => void vi.stubEnv('GRAFT_CACHE', path.join(temporaryFolder(), 'cache')));

const CHATML =
  "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}" +
  '{% if add_generation_prompt %}<s>assistant: {% endif %}';

function write(name: string, content: string | Buffer): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n') + '\n';
const many = (make: (i: number) => unknown, count = 600): string =>
  lines(Array.from({ length: count }, (_, i) => make(i)));
const words = (i: number): string => `row ${i} of the cat ${'sat on the mat, '.repeat(i % 40)}and été ${i}`;

function optionsOf(file: string, more: Partial<TokeniseOptions> = {}): TokeniseOptions {
  const dir = more.modelDir ?? modelDir;
  return { file, maxLength: 96, tokenizer: loadTokenizer(dir), vocab: 300, modelDir: dir, ...more };
}

/** Everything of both ways, the rows one by one. */
async function expectSame(options: TokeniseOptions): Promise<TokenisedExample[]> {
  const { examples, ...direct } = await prepareDataset(options);
  const {
    examples: rows,
    close,
    badCount,
    unusableCount,
    sample,
    ...cached
  } = await prepareTokens(options, { inMemoryBytes: 0 });
  expect(sample).toBeUndefined();
  expect(cached).toMatchObject(direct);
  expect([badCount, unusableCount]).toEqual([direct.bad.length, direct.unusable.length]);
  const read = Array.from({ length: rows.length }, (_, i) => rows.at(i)!);
  expect(read).toEqual(examples);
  expect([...rows.facts!.tokens!]).toEqual(examples.map(({ ids }) => ids.length));
  for (const seed of [0, 1]) {
    const own = splitRowList(rows, 0.1, seed);
    const wanted = splitExamples(examples, 0.1, seed);
    for (const side of ['train', 'val'] as const)
      expect(Array.from({ length: own[side].length }, (_, i) => own[side].at(i)!.line)).toEqual(
        wanted[side].map(({ line }) => line),
      );
  }
  close();
  return read;
}

describe('rows from the cache equal those in memory', () => {
  const kinds: [string, string, Partial<TokeniseOptions>?][] = [
    ['prompts.jsonl', many((i) => ({ prompt: `say ${i % 700}: `, completion: words(i), more: i % 3 ? 'x' : null }))],
    ['all.jsonl', many((i) => ({ prompt: `say ${i}: `, completion: words(i) })), { lossOn: 'all' }],
    ['texts.jsonl', many((i) => ({ text: words(i) })), { maxLength: 32 }],
    ['labels.jsonl', many((i) => ({ text: words(i), label: ['z', 'b', 'a'][i % 3] })), { classify: true }],
    ['known.jsonl', many((i) => ({ text: words(i), label: i % 4 })), { classify: true, labels: ['2', '1', '0'] }],
    [
      'controls.jsonl',
      many((i) => ({ prompt: `<s> ${i} </s>`, completion: `${words(i)}</s>` })),
      { controlTokens: true },
    ],
    ['marked.jsonl', many((i) => ({ prompt: `<s> ${i} </s>`, completion: `${words(i)}</s>` }), 300)],
    ['rows.csv', `prompt,completion\n${Array.from({ length: 600 }, (_, i) => `"a ${i}","${words(i)}"`).join('\n')}\n`],
    ['rows.json', JSON.stringify(Array.from({ length: 600 }, (_, i) => ({ text: words(i) })))],
    ['book.txt', Array.from({ length: 300 }, (_, i) => words(i)).join('\n\n'), { maxLength: 40 }],
  ];
  it.each(kinds)('%s', async (name, content, more) => {
    const rows = await expectSame(optionsOf(write(name, content), more));
    expect(rows.length).toBeGreaterThan(200);
  });

  it('with a byte order mark, blank and bad lines, and columns that come late', async () => {
    const rows = Array.from({ length: 9_000 }, (_, i) =>
      i === 7 ? 'no json' : i % 50 === 3 ? '   ' : JSON.stringify({ prompt: `q ${i}`, completion: words(i) }),
    );
    rows.push('{"other": 1}', '[1]', JSON.stringify({ prompt: 'q', completion: 'late', system: 'be kind' }));
    const file = write('mixed.jsonl', `\uFEFF${rows.join('\r\n')}`);
    const read = await expectSame(optionsOf(file));
    expect(read.at(-1)).toMatchObject({ line: 9_003 });
  });

  it('conversations, by the template of the model and without one', async () => {
    const content = many(
      (i) => ({
        messages: Array.from({ length: 2 + 2 * (i % 4) }, (_, t) => ({
          role: t % 2 === 0 ? 'user' : 'assistant',
          content: `${words(i % 90)} ${t}`,
        })),
      }),
      400,
    );
    const file = write('chats.jsonl', content);
    await expectSame(optionsOf(file));
    const withTemplate = path.join(folder, 'chat-model');
    fs.cpSync(modelDir, withTemplate, { recursive: true });
    fs.writeFileSync(path.join(withTemplate, 'chat_template.jinja'), CHATML);
    await expectSame(optionsOf(file, { modelDir: withTemplate }));
    expect(kept()).toHaveLength(2);
  });
});

const kept = (): string[] => fs.readdirSync(tokenCacheDir()).filter((name) => name.endsWith('.tokens'));

describe('the cache', () => {
  const file = write(
    'cache.jsonl',
    many((i) => ({ prompt: `p ${i}`, completion: words(i) }), 400),
  );

  async function tokenised(options: TokeniseOptions): Promise<{ ids: number[][]; made: boolean }> {
    let made = false;
    const { examples, close } = await prepareTokens(options, { inMemoryBytes: 0, onTokenised: () => (made = true) });
    const ids = Array.from({ length: examples.length }, (_, i) => [...examples.at(i)!.ids]);
    close();
    return { ids, made };
  }

  it('is read the second time, and made anew for other settings, templates, tokenizers and contents', async () => {
    const first = await tokenised(optionsOf(file));
    expect(first.made).toBe(true);
    expect(await tokenised(optionsOf(file))).toEqual({ ids: first.ids, made: false });
    const copy = write('copy.jsonl', fs.readFileSync(file));
    expect(await tokenised(optionsOf(copy))).toEqual({ ids: first.ids, made: false });
    for (const more of [
      { maxLength: 20 },
      { lossOn: 'all' as const },
      { map: { prompt: 'completion', completion: 'prompt' } },
    ])
      expect((await tokenised(optionsOf(file, more))).made, JSON.stringify(more)).toBe(true);
    const other = path.join(folder, 'other-model');
    fs.cpSync(modelDir, other, { recursive: true });
    expect((await tokenised(optionsOf(file, { modelDir: other }))).made).toBe(false);
    fs.writeFileSync(path.join(other, 'chat_template.jinja'), CHATML);
    expect((await tokenised(optionsOf(file, { modelDir: other }))).made).toBe(true);
    fs.appendFileSync(copy, lines([{ prompt: 'one', completion: 'more' }]));
    const longer = await tokenised(optionsOf(copy));
    expect(longer.made).toBe(true);
    expect(longer.ids).toHaveLength(first.ids.length + 1);
    expect(kept()).toHaveLength(6);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
    ['cut to nothing', () => Buffer.alloc(0)],
    ['something else', (bytes: Buffer) => Buffer.alloc(bytes.length, 7)],
    [
      'with another index',
      (bytes: Buffer) => (bytes.writeUInt8(bytes[bytes.length - 300]! ^ 1, bytes.length - 300), bytes),
    ],
  ])('is found out and made again where its file is %s', async (_, damage) => {
    const { ids } = await tokenised(optionsOf(file));
    const [name] = kept();
    const target = path.join(tokenCacheDir(), name!);
    fs.writeFileSync(target, damage(fs.readFileSync(target)));
    expect(await tokenised(optionsOf(file))).toEqual({ ids, made: true });
    expect(await tokenised(optionsOf(file))).toEqual({ ids, made: false });
  });

  it('a row whose bytes have changed on the disk is an error, never another row', async () => {
    await tokenised(optionsOf(file));
    const target = path.join(tokenCacheDir(), kept()[0]!);
    const bytes = fs.readFileSync(target);
    bytes.writeUInt8(bytes[40]! ^ 1, 40);
    fs.writeFileSync(target, bytes);
    const error = await graftError(() => tokenised(optionsOf(file)));
    expect(error).toMatchObject({ code: 'TOKENS_DAMAGED' });
    expect(kept()).toEqual([]);
    expect((await tokenised(optionsOf(file))).made).toBe(true);
  });

  it('leaves nothing behind where the rows cannot be read to their end', async () => {
    const bad = write(
      'bad.jsonl',
      many((i) => ({ nothing: i }), 400),
    );
    expect((await graftError(() => tokenised(optionsOf(bad)))).code).toBe('DATASET_COLUMNS');
    expect(fs.readdirSync(tokenCacheDir())).toEqual([]);
  });
});

it('before it is tokenised, a sample tells about how much a file holds', async () => {
  const random = new Random(3);
  const content = many((i) => ({ prompt: `p ${i}`, completion: words(random.integer(200)) }), 9_000);
  const file = write('large.jsonl', content);
  const options = optionsOf(file);
  const sampled = await tokensOrSample(options, { inMemoryBytes: 0 });
  const { stats } = await prepareDataset(options);
  expect(sampled.sample!.rows).toBeLessThan(stats.rows / 2);
  expect(sampled.stats.rows / stats.rows).toBeCloseTo(1, 1);
  expect(sampled.stats.tokens / stats.tokens).toBeCloseTo(1, 1);
  expect(sampled.stats.median / stats.median).toBeCloseTo(1, 1);
  expect(sampled.sample!.isOutdated()).toBe(false);
  (await prepareTokens(options, { inMemoryBytes: 0 })).close();
  // A file that was just written may change once more in the same moment.
  const past = new Date(Date.now() - 60_000);
  fs.utimesSync(file, past, past);
  (await prepareTokens(options, { inMemoryBytes: 0 })).close();
  expect(sampled.sample!.isOutdated()).toBe(true);
  const exact = await tokensOrSample(options, { inMemoryBytes: 0 });
  expect(exact.sample).toBeUndefined();
  expect(exact.stats).toEqual(stats);
  exact.close();
});
