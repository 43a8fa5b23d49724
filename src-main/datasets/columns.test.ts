import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src-shared/errors.ts';
import { planColumns } from './columns.ts';
import type { ColumnMap } from '../../src-shared/datasets.ts';

const plan = (columns: string[], map?: ColumnMap) => planColumns('rows.jsonl', columns, map);

function errorOf(run: () => unknown): GraftError {
  try {
    run();
  } catch (error) {
    if (error instanceof GraftError) return error;
  }
  throw new Error('no GraftError was thrown');
}

describe('planColumns', () => {
  it.each([
    [['prompt', 'completion'], 'completion'],
    [['prompt', 'response', 'id'], 'completion'],
    [['instruction', 'input', 'output', 'text'], 'alpaca'],
    [['instruction', 'response'], 'alpaca'],
    [['id', 'conversations'], 'messages'],
    [['messages', 'prompt'], 'messages'],
    [['prompt', 'text'], 'text'],
  ])('%j is %s', (columns, kind) => {
    expect(plan(columns).kind).toBe(kind);
  });

  it('lets the map decide the shape', () => {
    expect(plan(['question', 'answer', 'text'], { prompt: 'question', completion: 'answer' })).toEqual({
      kind: 'completion',
      columns: { prompt: 'question', completion: 'answer' },
    });
    expect(plan(['prompt', 'completion', 'story'], { text: 'story' })).toEqual({
      kind: 'text',
      columns: { text: 'story' },
    });
    expect(plan(['prompt', 'completion', 'better'], { completion: 'better' }).columns).toEqual({
      prompt: 'prompt',
      completion: 'better',
    });
  });

  it('names the columns found and the way out', () => {
    const unknown = errorOf(() => plan(['act', 'prompt', 'for_devs']));
    expect(unknown.code).toBe('DATASET_COLUMNS');
    expect(unknown.message).toContain('act, prompt, for_devs');
    expect(unknown.message).toContain('--map');
    const column = errorOf(() => plan(['a', 'b'], { prompt: 'c' }));
    expect(column).toMatchObject({
      code: 'MAP_COLUMN_UNKNOWN',
      kind: 'usage',
      message: expect.stringContaining('no column "c"') as string,
    });
    expect(errorOf(() => plan(['a', 'b'], { question: 'a' }))).toMatchObject({
      code: 'MAP_NAME_UNKNOWN',
      kind: 'usage',
    });
  });
});
