/** Rows without end: cut like any other, before the rest is tokenised, with the same tokens. */
import { afterAll, describe, expect, it } from 'vitest';
import { TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { rowThreads } from './rowThreads.ts';
import { prepareDataset } from './dataset.ts';
import { readDataset } from './read.ts';
import { renderExample } from './render.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { Example } from '../../src-shared/datasets.ts';

const STORIES = 'data/stories260k';
const GPT2 = 'data/gpt2_tokenizer';
const folder = new TestFolder();
afterAll(() => folder.remove());

describe.skipIf(!hasShared(STORIES) || !hasShared(GPT2))(`long rows${skipNote(STORIES)}`, () => {
  const story = 'Tim has a red ball. Once upon a time\n\nthere was 1 girl, named  Lily. ';
  const text = (content: string): Example => ({ line: 1, segments: [{ text: content, loss: true }] });
  const chat = (turns: number): Example => ({
    line: 1,
    messages: Array.from({ length: turns }, (_, i) => [
      { role: 'user' as const, content: `Question ${i}?` },
      { role: 'assistant' as const, content: `${story}${i}` },
    ]).flat(),
  });

  it.each([
    ['words', text(story.repeat(100))],
    ['one word', text('abcab'.repeat(1200))],
    ['one letter', text('a'.repeat(6000))],
    ['emoji', text('😀'.repeat(3000))],
    ['no spaces', text('东京特许许可局'.repeat(500))],
    ['spaces', text(`${' '.repeat(5000)}x`)],
    [
      'prompt and answer',
      {
        line: 1,
        segments: [
          { text: story.repeat(2), loss: false },
          { text: story.repeat(90), loss: true },
        ],
      },
    ],
    ['a conversation', chat(60)],
  ] as [string, Example][])('%s: the same tokens as if the whole were tokenised', (_, example) => {
    for (const dir of [STORIES, GPT2]) {
      const tokenizer = loadTokenizer(sharedPath(dir));
      const whole = renderExample(example, tokenizer, { lossOn: 'completion', maxLength: 100_000 });
      if ('reason' in whole) throw new Error(whole.reason);
      expect(whole.estimated).toBe(false);
      for (const maxLength of [16, 100]) {
        const cut = renderExample(example, tokenizer, { lossOn: 'completion', maxLength });
        if ('reason' in cut) throw new Error(cut.reason);
        expect([...cut.ids]).toEqual([...whole.ids.subarray(0, maxLength)]);
        expect([...cut.labels]).toEqual([...whole.labels.subarray(0, maxLength)]);
        expect(cut.truncated).toBe(whole.fullLength > maxLength);
      }
    }
  });

  it('case 41: a row of megabytes, and a conversation of thousands of turns, are cut', async () => {
    const template =
      "{% for m in messages %}{{ m.role + ':' + m.content + ';' }}{% endfor %}{% if " +
      "add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    const file = folder.write(
      'long.jsonl',
      [{ text: 'Tim has a red ball. '.repeat(300_000) }, { text: 'a'.repeat(2_000_000) }, { text: 'Tom ran.' }]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const { examples, bad } = await prepareDataset({ file, maxLength: 256, tokenizer });
    expect(bad).toEqual([]);
    expect(examples.map(({ ids, truncated }) => [ids.length, truncated])).toEqual([
      [256, true],
      [256, true],
      [examples[2]!.ids.length, false],
    ]);
    // 9 tokens for each 20 characters: what is not tokenised is estimated from what is.
    expect(examples[0]!.fullLength / 300_000).toBeCloseTo(
      tokenizer.encode(' Tim has a red ball.'.repeat(50)).length / 50,
      0,
    );
    const turns = renderExample(
      chat(3000),
      { ...tokenizer, chatTemplate: template },
      { lossOn: 'completion', maxLength: 64 },
    );
    expect(turns).toMatchObject({ truncated: true });
  });

  it('a long prompt is told as such', async () => {
    const file = folder.write('prompt.jsonl', JSON.stringify({ prompt: story.repeat(1000), completion: 'x' }));
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    const { unusable } = await prepareDataset({ file, maxLength: 64, tokenizer });
    expect(unusable).toEqual([
      { line: 1, reason: expect.stringMatching(/^the prompt alone .* about [\d,]+ tokens$/) as string },
    ]);
  });
});

it.each([
  ['jsonl', (deep: string) => `{"text": ${deep}}\n{"text": "b"}\n`, [2]],
  ['json', (deep: string) => `[\n{"text": ${deep}},\n{"text": "b"}]\n`, [3]],
  ['csv', (deep: string) => `text,more\n"${deep}",x\nb,x\n`, [2, 3]],
])('a row nested 20,000 deep leaves the rest of a %s file usable', async (ext, make, lines) => {
  const file = folder.write(`deep.${ext}`, make('['.repeat(20_000) + ']'.repeat(20_000)));
  const { rows, bad } = await readDataset(file);
  expect(rows.map(({ line }) => line)).toEqual(lines);
  if (ext !== 'csv')
    expect(bad).toEqual([{ line: lines[0]! - 1, reason: 'nested more than 64 deep, which no row of a dataset is' }]);
  const index = await rowThreads.read(file, folder.dir);
  expect(index.count).toBe(lines.length);
  index.close();
});

it.each([
  ['jsonl', ['{"text": "', '"}\n{"text": "b"}\n'], 2],
  ['json', ['[{"text": "', '"},\n{"text": "b"}]\n'], 2],
  ['csv', ['text,more\n"', '",x\nb,x\n'], 3],
])('a row of 70 MiB in a %s file is passed over, not held', async (ext, [before, after], line) => {
  const file = folder.write(
    `huge.${ext}`,
    Buffer.concat([Buffer.from(before!), Buffer.alloc(70 * 2 ** 20, 'a'), Buffer.from(after!)]),
  );
  const { rows, bad } = await readDataset(file);
  expect(rows.map((row) => [row.line, row.values['text']])).toEqual([[line, 'b']]);
  expect(bad).toEqual([{ line: line - 1, reason: 'longer than 64 MiB, which no row of a dataset is' }]);
});
