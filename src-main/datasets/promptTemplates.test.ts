/** Prompt templates: their texts as their makers have them, and the same tokens in training and when asked. */
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import type { ColumnPlan, Message } from '../../src-shared/datasets.ts';
import { chatText, encodeChatPrompt } from './chat.ts';
import { toExample } from './examples.ts';
import { templated, templateWarnings, withTemplate, type TemplateChoice } from './promptTemplates.ts';
import { renderExample } from './render.ts';
import { loadTokenizer } from './tokenizer.ts';
import { prepareTokens } from './tokens/preparedTokens.ts';
import { IGNORED } from './types.ts';

const folder = new TestFolder();
writeTinyTokenizer(folder.dir);
const tokenizer = loadTokenizer(folder.dir);
afterAll(() => folder.remove());

const ALPACA: ColumnPlan = {
  kind: 'alpaca',
  columns: { instruction: 'instruction', input: 'input', output: 'output', system: 'system', history: 'history' },
};
const COMPLETION: ColumnPlan = { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } };

const SYSTEM: Message = { role: 'system', content: 'Be brief.' };
const TALK: Message[] = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
  { role: 'user', content: 'Bye' },
];

function written(choice: TemplateChoice, messages: readonly Message[], goOn: boolean): string {
  return chatText(templated(COMPLETION, tokenizer, choice).tokenizer, messages, goOn);
}

describe('the text', () => {
  it.each<[TemplateChoice['promptTemplate'], string, string]>([
    // OpenAI's chatml.md; the tokenizer has no <|im_end|>, so that its own EOS ends an answer as well
    [
      'chatml',
      '<s><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|></s>\n' +
        '<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n',
      '<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    ],
    // llama/generation.py of Meta's llama 2
    [
      'llama2',
      '<s>[INST] Hi [/INST] Hello </s><s>[INST] Bye [/INST]',
      '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]',
    ],
    // stanford_alpaca/train.py, and LLaMA-Factory's template alpaca for turns and system texts
    [
      'alpaca',
      '<s>Below is an instruction that describes a task. Write a response that appropriately completes the ' +
        'request.\n\n### Instruction:\nHi\n\n### Response:\nHello</s>\n\n### Instruction:\nBye\n\n### Response:\n',
      '<s>Be brief.\n\n### Instruction:\nHi\n\n### Response:\n',
    ],
    ['plain', '<s>User: Hi\nAssistant: Hello</s>\nUser: Bye\nAssistant:', '<s>System: Be brief.\nUser: Hi\nAssistant:'],
  ])('of %s', (promptTemplate, talk, withSystem) => {
    expect(written({ promptTemplate }, TALK, true)).toBe(talk);
    expect(written({ promptTemplate }, [SYSTEM, TALK[0]!], true)).toBe(withSystem);
  });

  it('of an instruction with an input, as Stanford Alpaca wrote it', () => {
    const { plan, tokenizer: style } = templated(ALPACA, tokenizer, { promptTemplate: 'auto' });
    const example = toExample({ line: 1, values: { instruction: 'Add.', input: '2, 3', output: '5' } }, plan);
    expect(chatText(style, (example as { messages: Message[] }).messages, false)).toBe(
      '<s>Below is an instruction that describes a task, paired with an input that provides further context. Write a ' +
        'response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n2, 3\n\n' +
        '### Response:\n5</s>',
    );
  });
});

describe('training begins with exactly the tokens that are asked with, and learns the answer and its end', () => {
  const row = { instruction: 'Add.', input: '2, 3', output: '5', system: 'Be brief.', history: [['Hi', 'Hello']] };
  const own =
    "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + eos_token }}{% endfor %}" +
    '{% if add_generation_prompt %}<assistant>{% endif %}';
  const choices: TemplateChoice[] = [
    ...(['alpaca', 'chatml', 'llama2', 'plain', 'auto'] as const).map((promptTemplate) => ({ promptTemplate })),
    { promptTemplate: 'own', ownTemplate: own },
  ];
  it.each(choices)('$promptTemplate', (choice) => {
    const { plan, tokenizer: style, kept } = templated(ALPACA, tokenizer, choice);
    const example = toExample({ line: 1, values: row }, plan);
    if ('reason' in example || !example.messages) throw new Error('no conversation');
    const trained = renderExample(example, style, { lossOn: 'completion', maxLength: 1000 });
    if ('reason' in trained) throw new Error(trained.reason);
    const asked = encodeChatPrompt(style, example.messages.slice(0, -1));
    expect([...trained.ids.slice(0, asked.length)]).toEqual(asked);
    expect([...trained.labels].findIndex((label) => label !== IGNORED)).toBe(asked.length);
    const learnt = tokenizer.decode(
      trained.ids.filter((_, t) => trained.labels[t] !== IGNORED),
      { skipSpecialTokens: false },
    );
    expect(learnt.trim()).toMatch(/^5\s*(<\|im_end\|>)?<\/s>$/);
    expect(kept).toMatchObject({ name: choice.promptTemplate === 'auto' ? 'alpaca' : choice.promptTemplate });
    expect(kept!.template).toBe(style.chatTemplate);
  });

  it('without a template the prompt stands as it is', () => {
    const { plan, tokenizer: style, kept } = templated(ALPACA, tokenizer, { promptTemplate: 'none' });
    const example = toExample({ line: 1, values: row }, plan);
    expect(example).toEqual({
      line: 1,
      segments: [
        { text: 'Be brief.\n\nHi\n\nHello\n\nAdd.\n\n2, 3', loss: false },
        { text: '5', loss: true },
      ],
    });
    expect([kept, style]).toEqual([{ name: 'none' }, tokenizer]);
  });

  it('a run of before there was a choice stays as it was', () => {
    expect(templated(ALPACA, tokenizer, {})).toEqual({ plan: ALPACA, tokenizer });
  });
});

it.each<[string, TemplateChoice, ColumnPlan, RegExp]>([
  ['no template of the model', { promptTemplate: 'model' }, COMPLETION, /no chat template; choose/],
  ['an own one that is missing', { promptTemplate: 'own' }, COMPLETION, /needs its text/],
  [
    'one that is no Jinja',
    { promptTemplate: 'own', ownTemplate: '{% for %}' },
    COMPLETION,
    /not written as a template/,
  ],
  [
    'one that leaves all out',
    { promptTemplate: 'own', ownTemplate: 'Hello' },
    COMPLETION,
    /does not write the question/,
  ],
  ['a text of its own beside a name', { promptTemplate: 'chatml', ownTemplate: 'x' }, COMPLETION, /choose "own"/],
  ['plain texts', { promptTemplate: 'chatml' }, { kind: 'text', columns: { text: 'text' } }, /no question/],
  [
    'one that leaves the answer out',
    { promptTemplate: 'own', ownTemplate: "{{ messages[0]['content'] }}" },
    COMPLETION,
    /does not write the answer/,
  ],
  [
    'conversations without one',
    { promptTemplate: 'none' },
    { kind: 'messages', columns: { messages: 'messages' } },
    /need a template/,
  ],
])('refuses %s', async (_, choice, plan, why) => {
  const error = await graftError(() => Promise.resolve().then(() => templated(plan, tokenizer, choice)));
  expect(error.code).toBe('PROMPT_TEMPLATE');
  expect(error.message).toMatch(why);
});

describe('prompts and completions that are lists of messages (TRL)', () => {
  const row = (i: number): object => ({
    prompt: [{ role: 'user', content: `How is ${i}?` }],
    completion: [{ role: 'assistant', content: 'Fine.' }],
  });
  const plain = (i: number): object => ({ prompt: `p ${i}`, completion: 'c' });
  it.each([
    ['all of them', Array.from({ length: 6 }, (_, i) => row(i)), 'plain'],
    ['most of them', Array.from({ length: 6 }, (_, i) => (i < 4 ? row(i) : plain(i))), 'plain'],
    ['few of them', Array.from({ length: 6 }, (_, i) => (i < 2 ? row(i) : plain(i))), 'none'],
  ])('%s: kept as they were trained, whatever the size of the file', async (_, rows, name) => {
    const file = folder.write('trl.jsonl', rows.map((one) => JSON.stringify(one)).join('\n'));
    vi.stubEnv('GRAFT_CACHE', path.join(folder.dir, 'cache'));
    const options = { file, maxLength: 200, tokenizer, modelDir: folder.dir, promptTemplate: 'auto' as const };
    const prepared = await prepareTokens(options);
    expect(prepared.promptTemplate).toMatchObject({ name });
    const large = await prepareTokens(options, { inMemoryBytes: 0 });
    expect(large.promptTemplate).toEqual(prepared.promptTemplate);
    const first = prepared.examples.at(0)!;
    expect([...large.examples.at(0)!.ids]).toEqual([...first.ids]);
    large.close();
    if (name === 'none') return;
    const style = withTemplate(tokenizer, prepared.promptTemplate!.template!);
    const asked = encodeChatPrompt(style, [{ role: 'user', content: 'How is 0?' }]);
    expect([...first.ids.slice(0, asked.length)]).toEqual(asked);
  });
});

it('an adapter is measured by the text that it keeps, not by what its name stands for today', () => {
  const kept = { name: 'chatml', template: "{{ messages[0]['content'] }}|{{ messages[1]['content'] }}" } as const;
  const found = templated(COMPLETION, tokenizer, { promptTemplate: 'alpaca', keptTemplate: kept });
  expect(found.tokenizer.chatTemplate).toBe(kept.template);
  expect(found.plan.asked).toBe('turns');
  const messages: ColumnPlan = { kind: 'messages', columns: { messages: 'messages' } };
  expect(templated(messages, tokenizer, { keptTemplate: { name: 'none' } }).tokenizer).toBe(tokenizer);
});

it.each([
  ["{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}", false],
  ["{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}", true],
])('an own template without an end is warned of: %s', (ownTemplate, isWarned) => {
  const { kept } = templated(COMPLETION, tokenizer, { promptTemplate: 'own', ownTemplate });
  expect(templateWarnings(tokenizer, kept).join('')).toMatch(isWarned ? /will not learn where to stop/ : /^$/);
});
