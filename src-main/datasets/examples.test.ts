import { describe, expect, it } from 'vitest';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';
import type { ColumnMap } from '../../src-shared/datasets.ts';

const example = (values: Record<string, unknown>, map?: ColumnMap, columns = Object.keys(values)) =>
  toExample({ line: 3, values }, planColumns('rows.jsonl', columns, map));

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
      'message 1 of "messages" has the role "robot"; known roles are system, user, assistant, tool ' +
        '(human, gpt, function_call, observation)',
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
