import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { collate } from './batches.ts';
import { prepareDataset, type PreparedDataset } from './dataset.ts';
import { loadTokenizer } from './tokenizer.ts';

function prepare(
  rows: object[],
  more: { labels?: string[]; map?: Record<string, string>; maxLength?: number } = {},
): Promise<PreparedDataset> {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  const file = path.join(dir, 'rows.jsonl');
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return prepareDataset({ file, maxLength: 32, tokenizer: loadTokenizer(dir), classify: true, ...more });
}

describe('texts with labels', () => {
  it('become rows of a class; what has no label is left out by its line', async () => {
    const { examples, bad, labels } = await prepare([
      { text: 'ab', label: 'yes' },
      { text: 'c', label: null },
      { text: 'd', label: 'no' },
    ]);
    expect(labels).toEqual(['no', 'yes']);
    expect(
      examples.map((row) => ({ line: row.line, ids: [...row.ids], class: row.class, labelled: row.labelled })),
    ).toEqual([
      { line: 1, ids: [256, 97, 98], class: 1, labelled: 1 },
      { line: 3, ids: [256, 100], class: 0, labelled: 1 },
    ]);
    expect(bad).toEqual([{ line: 2, reason: 'it has no label' }]);
    const batch = collate(examples, [0, 1], 0);
    expect([...batch.classes!]).toEqual([1, 0]);
    expect([...batch.labels]).toEqual(Array(6).fill(-100));
  });

  it('numbers are ordered by value, columns may be called otherwise, long texts lose their end', async () => {
    const { examples, labels } = await prepare(
      [
        { sentence: 'abcdef', y: 10 },
        { sentence: 'b', y: 9 },
        { sentence: 'b', y: 10 },
      ],
      { map: { text: 'sentence', label: 'y' }, maxLength: 3 },
    );
    expect(labels).toEqual(['9', '10']);
    expect(examples[0]).toMatchObject({ ids: Int32Array.of(256, 97, 98), class: 1, truncated: true, fullLength: 7 });
    expect(examples[1]!.group).toBe(examples[2]!.group);
  });

  it('labels that are known before decide; others are bad rows', async () => {
    const { examples, bad, labels } = await prepare(
      [
        { text: 'a', label: 'b' },
        { text: 'a', label: 'z' },
      ],
      { labels: ['x', 'b'] },
    );
    expect(labels).toEqual(['x', 'b']);
    expect(examples.map((row) => row.class)).toEqual([1]);
    expect(bad).toEqual([{ line: 2, reason: 'its label "z" is none of x, b' }]);
  });

  it.each<[string, object[]]>([
    ['no label column', [{ text: 'a' }, { text: 'b' }]],
    [
      'one label only',
      [
        { text: 'a', label: 1 },
        { text: 'b', label: 1 },
      ],
    ],
    ['prompts and completions', [{ prompt: 'a', completion: 'b' }]],
  ])('refuses %s', async (_, rows) => {
    await expect(prepare(rows)).rejects.toMatchObject({
      code: 'NOT_CLASSIFIABLE',
      kind: 'usage',
      message: expect.stringContaining('two labels or more') as string,
    });
  });
});
