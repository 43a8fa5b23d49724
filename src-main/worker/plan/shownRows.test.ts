/** What a plan shows of rows: the first as it is read, and questions without their frame. */
import { afterAll, expect, it } from 'vitest';
import { TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { writeTinyTokenizer } from '../../../test-support/fixtures/tinyTokenizer.ts';
import { prepareDataset } from '../../datasets/dataset.ts';
import type { TemplateChoice } from '../../datasets/promptTemplates.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import { firstRow, questionsOf } from './shownRows.ts';

const folder = new TestFolder();
writeTinyTokenizer(folder.dir);
const tokenizer = loadTokenizer(folder.dir);
afterAll(() => folder.remove());

async function shown(rows: object[], choice: TemplateChoice, style: TextTokenizer = tokenizer) {
  const file = folder.write('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const { examples, promptTemplate } = await prepareDataset({ file, maxLength: 5000, tokenizer: style, ...choice });
  return { row: firstRow(examples, style), questions: questionsOf(examples, style, promptTemplate) };
}

const ROWS = [
  { prompt: 'Is it?', completion: 'Yes.' },
  { prompt: 'Was it?', completion: 'No.' },
];

it.each<[TemplateChoice, string, string]>([
  [{ promptTemplate: 'auto' }, '<s>Is it?', 'Yes.</s>'],
  [{ promptTemplate: 'llama2' }, '<s>[INST] Is it? [/INST]', ' Yes. </s>'],
])('%j: the row as it is read, questions without what stands around them', async (choice, prompt, answer) => {
  expect(await shown(ROWS, choice)).toEqual({ row: { prompt, answer }, questions: ['Is it?', 'Was it?'] });
});

it('of a long prompt the end, and its answer', async () => {
  const { row } = await shown([{ prompt: `${'x'.repeat(3000)}?`, completion: 'Yes.' }], { promptTemplate: 'plain' });
  expect(row!.prompt).toHaveLength(2000);
  expect(row).toEqual({ prompt: expect.stringMatching(/x\?\nAssistant:$/) as string, answer: ' Yes.</s>' });
});

it('no question of an answer further down a conversation, nor where the template wants a system message', async () => {
  const talk = (...texts: string[]) => ({
    messages: texts.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content })),
  });
  const goesOn = talk('a', 'b', 'c', 'd').messages.map((turn, i) => (i === 1 ? { ...turn, weight: 0 } : turn));
  const { questions } = await shown([{ messages: goesOn }, talk('e', 'f')], { promptTemplate: 'alpaca' });
  expect(questions).toEqual(['e']);
  const strict =
    "{% if messages[0]['role'] != 'system' %}{{ raise_exception('a system message comes first') }}{% endif %}" +
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}" +
    '{% if add_generation_prompt %}<assistant>{% endif %}';
  const system = { messages: [{ role: 'system', content: 's' }, ...talk('a', 'b').messages] };
  const found = await shown([system], { promptTemplate: 'model' }, { ...tokenizer, chatTemplate: strict });
  expect(found).toEqual({ row: { prompt: '<system>s<user>a<assistant>', answer: 'b' }, questions: [] });
});
