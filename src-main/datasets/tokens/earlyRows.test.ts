/** Rows of a file that is not tokenised yet are those of the file once it is: which there are, and each of them. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { graftError } from '../../../test-support/fixtures/dataFiles.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { Random } from '../../../src-shared/random.ts';
import { prepareDataset } from '../dataset.ts';
import { taughtEnds } from '../endTokens.ts';
import { loadTokenizer } from '../tokenizer.ts';
import type { TokenisedExample } from '../types.ts';
import { prepareTokens, type PreparedTokens, type TokensWanted } from './preparedTokens.ts';
import { countedLengths, type RowList } from './rowList.ts';
import { tokenCacheDir } from './tokenCache.ts';
import type { TokeniseOptions } from './tokeniseFile.ts';

let folder: string;
let modelDir: string;

beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('GRAFT_CACHE', path.join(folder, 'cache'));
  modelDir = path.join(folder, 'model');
  fs.mkdirSync(modelDir);
  writeTinyTokenizer(modelDir);
});

function write(rows: readonly unknown[], name = 'rows.jsonl'): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
}

function optionsOf(file: string, more: Partial<TokeniseOptions> = {}): TokeniseOptions {
  return { file, maxLength: 40, tokenizer: loadTokenizer(modelDir), vocab: 258, modelDir, ...more };
}

const early = (options: TokeniseOptions, more: TokensWanted = {}): Promise<PreparedTokens> =>
  prepareTokens(options, { inMemoryBytes: 0, earlyBytes: 0, ...more });

const all = (rows: RowList): TokenisedExample[] => Array.from({ length: rows.length }, (_, i) => rows.at(i)!);

/** Texts around every edge: the frame's tokens, spaces, bytes beyond ASCII, marks, and lengths about that of a row. */
const PIECES = [
  '<s>',
  '</s>',
  ' ',
  '\n',
  'a',
  'é',
  '日本',
  '😀',
  '\uFDD0',
  '\ud83d',
  'row',
  'x'.repeat(35),
  'y'.repeat(39),
];

function randomRows(random: Random, keys: readonly string[]): unknown[] {
  const text = (): string =>
    Array.from({ length: random.integer(4) }, () => PIECES[random.integer(PIECES.length)]!).join('');
  return Array.from({ length: 1500 }, (_, i) => {
    if (i % 97 === 0) return ['{oops', '', '   ', '[1]', '"é"'][(i / 97) % 5];
    return Object.fromEntries(keys.map((key) => [key, random.integer(40) === 0 ? i : text()]));
  });
}

describe('rows that are tokenised as they are asked for', () => {
  const kinds: [string, string[], Partial<TokeniseOptions>?][] = [
    ['prompts and completions', ['prompt', 'completion']],
    ['with the loss on all', ['prompt', 'completion'], { lossOn: 'all' }],
    ['control tokens as tokens', ['prompt', 'completion'], { controlTokens: true }],
    ['instructions', ['instruction', 'input', 'output'], { maxLength: 200 }],
    ['texts', ['text']],
    ['texts with control tokens', ['text'], { controlTokens: true, maxLength: 3 }],
  ];
  it.each(kinds)('%s: the rows, groups and reasons of the whole', async (_, keys, more) => {
    const file = write(
      [`\uFEFF${JSON.stringify(Object.fromEntries(keys.map((key) => [key, 'first'])))}`].concat(
        randomRows(new Random(keys.length), keys) as string[],
      ),
    );
    const options = optionsOf(file, more);
    const { examples, stats, controlTokenRows, ...direct } = await prepareDataset(options);
    const prepared = await early(options);
    expect(prepared.rest).toBeDefined();
    expect(prepared).toMatchObject(direct);
    expect(all(prepared.examples)).toEqual(examples);
    expect(examples.length).toBeGreaterThan(150);
    expect(direct.bad.length).toBeGreaterThan(10);
    expect(taughtEnds(prepared.examples, options.tokenizer)).toEqual(taughtEnds(examples, options.tokenizer));
    expect([...(await countedLengths(prepared.examples, () => Promise.resolve()))]).toEqual(
      examples.map(({ ids }) => ids.length),
    );
    const whole = await prepared.rest!();
    expect(whole).toMatchObject({ stats, controlTokenRows });
    expect(all(prepared.examples)).toEqual(examples);
    prepared.close();
    const again = await early(options);
    expect(again.rest).toBeUndefined();
    expect(all(again.examples)).toEqual(examples);
    again.close();
  });

  it('with NFC before the bytes, which changes how many there are', async () => {
    const name = path.join(modelDir, 'tokenizer.json');
    const tokenizer = JSON.parse(fs.readFileSync(name, 'utf8')) as object;
    fs.writeFileSync(name, JSON.stringify({ ...tokenizer, normalizer: { type: 'NFC' } }));
    // U+0958 becomes two characters, e and U+0301 become one.
    const texts = Array.from({ length: 60 }, (_, i) => `${'\u0958'.repeat(i % 15)}${'e\u0301'.repeat(i % 7)}a`);
    const file = write(texts.map((text) => ({ prompt: text, completion: text })));
    const options = optionsOf(file);
    const { examples, unusable } = await prepareDataset(options);
    const prepared = await early(options);
    expect(unusable.length).toBeGreaterThan(5);
    expect(prepared.unusable).toEqual(unusable);
    expect(all(prepared.examples)).toEqual(examples);
    prepared.close();
  });

  it('conversations that come after a block of plain rows', async () => {
    const turns = (i: number): object => ({
      prompt: [
        { role: 'user', content: `hello ${i}` },
        { role: 'assistant', content: 'hi' },
        { role: 'user', content: i % 5 ? 'and?' : 'x'.repeat(200) },
      ],
      completion: [{ role: 'assistant', content: `answer ${i}` }],
    });
    const plain = (i: number): object => ({ prompt: `row ${i}`, completion: 'z'.repeat(3000) });
    const file = write(Array.from({ length: 1200 }, (_, i) => (i > 900 && i % 3 === 0 ? turns(i) : plain(i))));
    const options = optionsOf(file, { maxLength: 120 });
    const { examples, stats, controlTokenRows, ...direct } = await prepareDataset(options);
    const prepared = await early(options);
    expect(prepared.rest).toBeDefined();
    expect(prepared).toMatchObject(direct);
    expect([direct.unusable.length, direct.bad.length]).toEqual([19, 0]);
    expect(all(prepared.examples)).toEqual(examples);
    expect(await prepared.rest!()).toMatchObject({ stats, controlTokenRows });
    expect(all(prepared.examples)).toEqual(examples);
    prepared.close();
  });

  it('a line that is too long, and rows after it', async () => {
    const long = `{"text": "${'z'.repeat(70 << 20)}"}`;
    const rows = Array.from({ length: 500 }, (_, i) => ({ text: `row ${i} `.repeat(400) }));
    const file = write([...rows, long, ...rows]);
    const prepared = await early(optionsOf(file));
    expect(prepared.bad).toEqual([{ line: 501, reason: expect.stringContaining('longer than 64 MiB') as string }]);
    const { tokenizer } = optionsOf(file);
    for (const [index, text] of [
      [0, 'row 0'],
      [499, 'row 499'],
      [500, 'row 0'],
      [999, 'row 499'],
    ] as const)
      expect(tokenizer.decode(prepared.examples.at(index)!.ids)).toMatch(new RegExp(`^${text} `));
    prepared.close();
  });
});

const FEW = Array.from({ length: 400 }, (_, i) => ({ prompt: `p ${i}`, completion: `answer ${i}` }));

it('a file that changes under a run is an error, never another row', async () => {
  const file = write(FEW);
  const prepared = await early(optionsOf(file));
  const first = prepared.examples.at(3);
  // Another file in its place leaves the open one as it is; its tokens are not taken for those of the run.
  const other = write(FEW.slice(1), 'other.jsonl');
  fs.renameSync(other, file);
  expect(prepared.examples.at(3)).toEqual(first);
  expect((await graftError(() => prepared.rest!())).code).toBe('DATASET_CHANGED');
  expect(prepared.examples.at(3)).toEqual(first);
  prepared.close();

  const written = await early(optionsOf(write(FEW, 'written.jsonl')));
  fs.appendFileSync(path.join(folder, 'written.jsonl'), '\n');
  expect(await graftError(() => Promise.resolve(written.examples.at(3)))).toMatchObject({ code: 'DATASET_CHANGED' });
  written.close();
});

it('leaves nothing behind where it is closed before all rows are tokenised', async () => {
  const prepared = await early(optionsOf(write(FEW)));
  const rest = graftError(() => prepared.rest!());
  prepared.close();
  expect((await rest).code).toBe('CANCELLED');
  expect(fs.readdirSync(tokenCacheDir())).toEqual([]);
});

it.each<[string, () => TokeniseOptions, TokensWanted, RegExp]>([
  ['a setting needs all lengths', () => optionsOf(write(FEW)), { needsAll: 'packing' }, /^packing$/],
  [
    'there are conversations',
    () => optionsOf(write([{ messages: [{ role: 'assistant', content: 'a' }] }])),
    {},
    /template/,
  ],
  ['it is no JSONL file', () => optionsOf(write(['text', 'a', 'b'], 'rows.csv')), {}, /JSONL/],
  [
    'texts are classified',
    () =>
      optionsOf(
        write([
          { text: 'a', label: 'x' },
          { text: 'b', label: 'y' },
        ]),
        { classify: true },
      ),
    {},
    /classes/,
  ],
  ['tokens may lie beyond the embedding', () => optionsOf(write(FEW), { vocab: 257, maxLength: 8 }), {}, /tokenizer/],
])('all rows come first where %s, with the reason', async (_, options, wanted, reason) => {
  const why: string[] = [];
  const prepared = await early(options(), { ...wanted, onWait: (one) => why.push(one) });
  expect(prepared.rest).toBeUndefined();
  expect(prepared.examples.facts!.tokens).toHaveLength(prepared.examples.length);
  expect(why).toEqual([expect.stringMatching(reason)]);
  prepared.close();
});
