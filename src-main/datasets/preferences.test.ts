/** Pairs of answers as people's files have them: each form is the same pair, and what is none says why. */
import { expect, it } from 'vitest';
import type { BadRow, Example, Message } from '../../src-shared/datasets.ts';
import { planColumns } from './columns.ts';
import { toExample } from './examples.ts';

function read(values: Record<string, unknown>, map = {}): Example | BadRow {
  return toExample({ line: 1, values }, planColumns('rows.jsonl', Object.keys(values), map));
}

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const asked = (prompt: string, answer: string) => [
  { text: prompt, loss: false },
  { text: answer, loss: true },
];

it('texts with a prompt of their own', () => {
  expect(read({ prompt: 'Hi', chosen: ' good', rejected: ' bad' })).toEqual({
    line: 1,
    segments: asked('Hi', ' good'),
    rejected: { segments: asked('Hi', ' bad') },
  });
  expect(read({ question: 'Hi', chosen: ' good', rejected: ' bad' })).toMatchObject({ segments: asked('Hi', ' good') });
  expect(read({ q: 'Hi', yes: 'a', no: 'b' }, { prompt: 'q', chosen: 'yes', rejected: 'no' })).toMatchObject({
    rejected: { segments: asked('Hi', 'b') },
  });
});

const CONVERSATION = {
  messages: [user('Hi'), assistant('good')],
  rejected: { messages: [user('Hi'), assistant('bad')] },
};

it.each([
  ["TRL's explicit prompt", { prompt: [user('Hi')], chosen: [assistant('good')], rejected: [assistant('bad')] }],
  ["TRL's implicit prompt", { chosen: [user('Hi'), assistant('good')], rejected: [user('Hi'), assistant('bad')] }],
  [
    'UltraFeedback',
    {
      prompt: 'Hi',
      prompt_id: 'f00',
      messages: [user('Hi'), assistant('good')],
      chosen: [user('Hi'), assistant('good')],
      rejected: [user('Hi'), assistant('bad')],
      score_chosen: 8,
      score_rejected: 3.5,
    },
  ],
  [
    'a text as prompt, messages as answers',
    { prompt: 'Hi', chosen: [assistant('good')], rejected: [assistant('bad')] },
  ],
  ['messages as prompt, texts as answers', { prompt: [user('Hi')], chosen: 'good', rejected: 'bad' }],
  [
    "Anthropic's transcripts",
    { chosen: '\n\nHuman: Hi\n\nAssistant: good', rejected: '\n\nHuman: Hi\n\nAssistant: bad' },
  ],
])('%s', (_, values) => {
  expect(read(values)).toEqual({ line: 1, ...CONVERSATION });
});

it('of a longer conversation only what comes after the answers part is learnt', () => {
  const before = [user('1'), assistant('2'), user('3')];
  const turn = '\n\nHuman: 1\n\nAssistant: 2\n\nHuman: 3\n\nAssistant: ';
  for (const values of [
    { chosen: [...before, assistant('4')], rejected: [...before, assistant('5')] },
    { chosen: `${turn}4`, rejected: `${turn}5` },
  ])
    expect(read(values)).toEqual({
      line: 1,
      messages: [user('1'), { ...assistant('2'), train: false }, user('3'), assistant('4')],
      rejected: { messages: [user('1'), { ...assistant('2'), train: false }, user('3'), assistant('5')] },
    });
});

it('texts that begin alike part at a space', () => {
  expect(read({ chosen: 'The sky is blue today', rejected: 'The sky is black' })).toMatchObject({
    segments: asked('The sky is', ' blue today'),
    rejected: { segments: asked('The sky is', ' black') },
  });
});

it.each([
  [{ prompt: 'Hi', chosen: 'same', rejected: 'same' }, /both answers are the same/],
  [{ chosen: [user('Hi'), assistant('a')], rejected: [user('Hi'), assistant('a')] }, /both answers are the same/],
  [{ prompt: 'Hi', chosen: ' ', rejected: 'b' }, /"chosen" is empty/],
  [{ prompt: 'Hi', chosen: 'a', rejected: null }, /"rejected" is missing/],
  [{ prompt: 'Hi', chosen: 5, rejected: 'b' }, /"chosen" is a number, neither text nor a list of messages/],
  [
    { prompt: 'Hi', chosen: 'a', rejected: 'b', score_chosen: 3, score_rejected: 7 },
    /rejected answer is the better one/,
  ],
  [{ chosen: 'yes', rejected: 'no' }, /no prompt/],
  [{ chosen: 'The sky ', rejected: 'The sky is blue' }, /"chosen" says no more than the prompt/],
  [
    { prompt: 'Ho', chosen: [user('Hi'), assistant('a')], rejected: [user('Hi'), assistant('b')] },
    /does not begin with/,
  ],
  [{ chosen: [user('Hi'), assistant('a')], rejected: [user('Ho'), assistant('b')] }, /part at a message that is not/],
  [{ chosen: [user('Hi'), assistant('a'), user('b')], rejected: [user('Hi'), assistant('a')] }, /not the assistant/],
  [{ chosen: [assistant('a')], rejected: [assistant('b')] }, /no prompt that both answers follow/],
])('%j is no pair', (values, reason) => {
  expect(read(values)).toMatchObject({ line: 1, reason: expect.stringMatching(reason) as string });
});

it("KTO's marks are kept, and a row without one has none", () => {
  const values = { prompt: 'Hi', completion: ' yes' };
  expect(read({ ...values, label: true })).toMatchObject({ good: true });
  expect(read({ ...values, label: 'False' })).toMatchObject({ good: false });
  expect(read({ ...values, label: 'sports' })).not.toHaveProperty('good');
  expect(read({ messages: [user('Hi'), assistant('a')], kto_tag: false })).toMatchObject({ good: false });
});

it('chosen answers alone are learnt where the columns say so', () => {
  const plan = planColumns('rows.jsonl', ['prompt', 'chosen', 'rejected'], { completion: 'chosen' });
  expect(plan).toMatchObject({ kind: 'completion', columns: { prompt: 'prompt', completion: 'chosen' } });
});
