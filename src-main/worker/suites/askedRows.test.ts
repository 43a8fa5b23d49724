/** Rows under prompt templates: what is asked is what training put in front of the answer. */
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_EOS, writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { toExample } from '../../datasets/examples.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { renderExample } from '../../datasets/render.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { ColumnPlan } from '../../../src-shared/datasets.ts';
import type { KeptTemplate, PromptTemplate } from '../../../src-shared/promptTemplates.ts';
import { AskedRows } from './askedRows.ts';

const MOST = { vocab: 258, maxLength: 1000 };
const PLANS: Record<string, { plan: ColumnPlan; values: Record<string, unknown> }> = {
  completion: {
    plan: { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } },
    values: { prompt: 'How much?', completion: ' Two.' },
  },
  alpaca: {
    plan: { kind: 'alpaca', columns: { instruction: 'instruction', input: 'input', output: 'output' } },
    values: { instruction: 'Add.', input: '1 and 1', output: 'Two.' },
  },
  messages: {
    plan: { kind: 'messages', columns: { messages: 'messages' } },
    values: {
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'How much?' },
        { role: 'assistant', content: 'Two.' },
      ],
    },
  },
};

let tokenizer: TextTokenizer;
beforeEach(() => {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  tokenizer = loadTokenizer(dir);
});

const CASES = Object.keys(PLANS).flatMap((kind) =>
  (['none', 'alpaca', 'chatml', 'llama2', 'plain'] as const)
    .filter((name) => kind !== 'messages' || name !== 'none')
    .map((name): [string, Exclude<PromptTemplate, 'auto'>] => [kind, name]),
);

it.each(CASES)('a question of %s under %s is asked as it was trained, and its choice follows it', (kind, name) => {
  const { plan, values } = PLANS[kind]!;
  const row = { line: 1, values };
  const { kept } = templated(plan, tokenizer, { promptTemplate: name });
  const rows = new AskedRows(plan, tokenizer, { kept, ...MOST });
  const trained = trainedRow(kind, kept!);
  const asked = rows.promptIds(row);
  expect(asked).toEqual([...trained.ids.slice(0, trained.promptTokens)]);
  // A choice in the place of the answer: the same question, then the choice alone.
  const choice = kind === 'completion' ? ' 2' : '2';
  const chosen = rows.choiceRow(row, choice);
  if ('reason' in chosen || 'reason' in asked) throw new Error('it can be asked');
  const text = [...chosen.ids.slice(asked.length)].map((id) => String.fromCharCode(id)).join('');
  expect(text.trim()).toBe('2');
  expect(chosen.labelled).toBe(text.length);
  expect([...chosen.ids]).not.toContain(TINY_EOS);
});

it('without a known template rows are put as they stand', () => {
  const { plan, values } = PLANS['completion']!;
  const rows = new AskedRows(plan, tokenizer, { kept: undefined, ...MOST });
  expect(rows.promptIds({ line: 1, values })).toEqual(tokenizer.encodePrompt('How much?'));
});

it('of a row that is none says why', () => {
  const { plan } = PLANS['completion']!;
  const rows = new AskedRows(plan, tokenizer, { kept: undefined, ...MOST });
  const row = { line: 3, values: { prompt: 'x' } };
  for (const found of [rows.promptIds(row), rows.wholeRow(row), rows.choiceRow(row, 'a')])
    expect(found).toMatchObject({ reason: expect.stringContaining('completion') as string });
});

function trainedRow(kind: string, kept: KeptTemplate) {
  const { plan, values } = PLANS[kind]!;
  const found = templated(plan, tokenizer, { keptTemplate: kept });
  const example = toExample({ line: 1, values }, found.plan);
  if ('reason' in example) throw new Error(example.reason);
  const rendered = renderExample(example, found.tokenizer, { lossOn: 'completion', ...MOST });
  if ('reason' in rendered) throw new Error(rendered.reason);
  return rendered;
}
