import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { TINY_BOS, TINY_EOS, writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { collate } from './batches.ts';
import { readExamples, tokeniseExamples } from './dataset.ts';
import { countCharacters, countTokens } from './lengthCounts.ts';
import type { LengthCounts, PreviewedRow } from '../../src-shared/tokens.ts';
import { lengthStats } from './lengthStats.ts';
import { TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { previewTokens } from './tokenPreview.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { Example, LossOn } from '../../src-shared/datasets.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

function tokenizer() {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  return loadTokenizer(dir);
}

function preview(example: Example, lossOn: LossOn = 'completion', maxLength = 64): PreviewedRow {
  const row = previewTokens(example, tokenizer(), { lossOn, maxLength });
  if ('reason' in row) throw new Error(row.reason);
  return row;
}

const QUESTION: Example = {
  line: 1,
  segments: [
    { text: 'ab', loss: false },
    { text: 'cd', loss: true },
  ],
};

describe('a row token by token', () => {
  it('tells prompt, answer and special tokens apart, and marks what carries loss and what is cut', () => {
    const { tokens, length, labelled } = preview(QUESTION, 'completion', 5);
    expect(tokens).toEqual([
      { id: TINY_BOS, text: '<s>', kind: 'special', loss: false, truncated: false },
      { id: 97, text: 'a', kind: 'prompt', loss: false, truncated: false },
      { id: 98, text: 'b', kind: 'prompt', loss: false, truncated: false },
      { id: 99, text: 'c', kind: 'completion', loss: true, truncated: false },
      { id: 100, text: 'd', kind: 'completion', loss: true, truncated: false },
      { id: TINY_EOS, text: '</s>', kind: 'special', loss: false, truncated: true },
    ]);
    expect({ length, labelled }).toEqual({ length: 6, labelled: 2 });
  });

  it('a pair has both answers after the same prompt, each with its own cut', () => {
    const rejected: Example = {
      line: 1,
      segments: [
        { text: 'ab', loss: false },
        { text: 'xyz', loss: true },
      ],
    };
    const { line, ...both } = preview({ ...QUESTION, rejected }, 'completion', 6);
    const { rejected: other, ...own } = both;
    const { line: _line, ...alone } = preview(rejected, 'completion', 6);
    expect(own).toEqual({ tokens: preview(QUESTION, 'completion', 6).tokens, length: 6, labelled: 3 });
    expect(other).toEqual(alone);
    expect(other!.tokens.map(({ text, loss, truncated }) => [text, loss, truncated])).toEqual([
      ['<s>', false, false],
      ['a', false, false],
      ['b', false, false],
      ['x', true, false],
      ['y', true, false],
      ['z', true, false],
      ['</s>', false, true],
    ]);
    expect(line).toBe(1);
  });

  it('with the loss on all tokens, the prompt is still a prompt', () => {
    expect(preview(QUESTION, 'all').tokens.map(({ kind, loss }) => [kind, loss])).toEqual([
      ['special', false],
      ['prompt', true],
      ['prompt', true],
      ['completion', true],
      ['completion', true],
      ['special', true],
    ]);
  });

  it('a character of several tokens is shown once, whole', () => {
    const { tokens } = preview({ line: 1, segments: [{ text: 'ü', loss: true }] });
    expect(tokens.map(({ text }) => text)).toEqual(['<s>', '', 'ü', '</s>']);
  });

  it('agrees with the batches of a run', async () => {
    const rows = ['one two', 'tü', 'x'.repeat(40)].flatMap((text, i) => [
      { prompt: text, completion: ` ${'yes '.repeat(i + 1)}` },
    ]);
    const set = await readExamples({
      file: folder.write('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')),
    });
    for (const lossOn of ['completion', 'all'] as const) {
      const maxLength = 46;
      const { examples } = await tokeniseExamples(set, { tokenizer: tokenizer(), lossOn, maxLength });
      set.examples.forEach((example, i) => {
        const { tokens } = preview(example, lossOn, maxLength);
        const batch = collate(examples, [i], 0);
        const seen = tokens.filter((token) => !token.truncated);
        expect(seen.map(({ id }) => id)).toEqual([...batch.ids]);
        expect(seen.map(({ id, loss }) => (loss ? id : -100))).toEqual([...batch.labels]);
        expect(tokens.length).toBe(examples[i]!.fullLength);
      });
    }
  });
});

describe('lengths', () => {
  it('count every row as the run will', async () => {
    const texts = ['a', 'bb', 'bb', 'cccc'];
    const set = await readExamples({
      file: folder.write(
        'lengths.jsonl',
        texts.map((text) => JSON.stringify({ prompt: text, completion: 'x' })).join('\n'),
      ),
    });
    async function* examples() {
      yield* set.examples;
    }
    let last: LengthCounts | undefined;
    for await (const counts of countTokens(examples(), { total: 4, tokenizer: tokenizer(), lossOn: 'completion' }))
      last = counts;
    expect(last).toEqual({
      unit: 'tokens',
      done: 4,
      total: 4,
      lengths: [
        [4, 1],
        [5, 2],
        [7, 1],
      ],
      prompts: [
        [2, 1],
        [3, 2],
        [5, 1],
      ],
    });
    const { examples: tokenised } = await tokeniseExamples(set, { tokenizer: tokenizer(), maxLength: 6 });
    expect(lengthStats(tokenised).truncated).toBe(1);
  });

  it('without a model are characters', () => {
    expect(countCharacters([3, 1, 3])).toEqual({
      unit: 'characters',
      done: 3,
      total: 3,
      lengths: [
        [1, 1],
        [3, 2],
      ],
      prompts: [],
    });
  });
});
