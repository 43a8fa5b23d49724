import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src-shared/errors.ts';
import { planColumns, toExample } from './columns.ts';
import type { ColumnMap } from '../../src-shared/datasets.ts';

const plan = (columns: string[], map?: ColumnMap) => planColumns('rows.jsonl', columns, map);
const example = (values: Record<string, unknown>, map?: ColumnMap, columns = Object.keys(values)) =>
  toExample({ line: 3, values }, plan(columns, map));

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

describe('toExample', () => {
  it('keeps the texts exactly, and loss on the completion', () => {
    expect(example({ prompt: ' p ', completion: ' c\n' })).toEqual({
      line: 3,
      segments: [
        { text: ' p ', loss: false },
        { text: ' c\n', loss: true },
      ],
    });
  });

  it("writes Alpaca's two templates", () => {
    const want = (middle: string, context: string) =>
      `Below is an instruction that describes a task${context}. Write a response that appropriately completes ` +
      `the request.\n\n### Instruction:\nAdd\n\n${middle}### Response:\n`;
    const prompt = (values: Record<string, unknown>) => {
      const made = example(values, {}, ['instruction', 'input', 'output']);
      return 'segments' in made ? made.segments![0]!.text : made;
    };
    const context = ', paired with an input that provides further context';
    expect(prompt({ instruction: 'Add', input: '1 2', output: '3' })).toBe(want('### Input:\n1 2\n\n', context));
    for (const input of ['', undefined, null])
      expect(prompt({ instruction: 'Add', input, output: '3' })).toBe(want('', ''));
    expect(prompt({ instruction: 'Add', output: '3' })).toBe(want('', ''));
  });

  it("reads OpenAI's and ShareGPT's conversations alike", () => {
    const want = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
    ];
    expect(example({ messages: want })).toEqual({ line: 3, messages: want });
    const turns = [
      { from: 'human', value: 'Hi' },
      { from: 'gpt', value: 'Hello' },
    ];
    expect(example({ conversations: turns })).toEqual({ line: 3, messages: want });
  });

  it.each([
    [{ prompt: 'p', completion: 5 }, '"completion" is a number, not text'],
    [{ prompt: 'p', completion: null }, '"completion" is null, not text'],
    [{ prompt: ['p'], completion: 'c' }, '"prompt" is a list, not text'],
    [{ prompt: '', completion: 'c' }, '"prompt" is empty'],
    [{ prompt: 'p', completion: ' \n' }, '"completion" is empty'],
    [{ prompt: 'p' }, '"completion" is missing'],
    [{ toString: 'x' }, '"prompt" is missing'],
  ])('%j: %s', (values, reason) => {
    expect(example(values, {}, ['prompt', 'completion'])).toEqual({ line: 3, reason });
  });

  it.each([
    [{ instruction: 'i', input: 7, output: 'o' }, '"input" is a number, not text'],
    [{ messages: 'Hi' }, '"messages" is text, not a list of messages'],
    [{ messages: [] }, '"messages" is an empty list'],
    [{ messages: [{ role: 'user', content: 'Hi' }] }, '"messages" has no message of the assistant to learn from'],
    [
      { messages: [{ role: 'robot', content: 'Hi' }] },
      'message 1 of "messages" has the role "robot"; known roles are system, user, assistant (human, gpt)',
    ],
    [{ messages: [{ role: 'user', content: 3 }] }, 'the content of message 1 of "messages" is a number, not text'],
    [
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: '' },
        ],
      },
      'the content of message 2 of "messages" is empty',
    ],
  ])('%j: %s', (values, reason) => {
    expect(example(values)).toEqual({ line: 3, reason });
  });
});
