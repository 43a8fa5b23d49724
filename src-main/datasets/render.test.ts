import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { encodeChatPrompt } from './chat.ts';
import { readExamples } from './dataset.ts';
import { renderExample } from './render.ts';
import type { RenderedExample, RenderOptions } from './render.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { TextTokenizer } from './tokenizer.ts';
import { IGNORED } from './types.ts';
import type { Example, Message } from '../../src-shared/datasets.ts';

const STORIES = 'data/stories260k';
const GPT2 = 'data/gpt2_tokenizer';
const hasData = hasShared(STORIES) && hasShared(GPT2) && hasShared('data/e2e') && hasShared('data/instruct');
const WHOLE: RenderOptions = { lossOn: 'completion', maxLength: 100_000 };

const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if " +
  "add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const LLAMA2 =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% " +
  "elif m.role == 'assistant' %}{{ ' ' + m.content + ' ' + eos_token }}{% else %}{{ raise_exception('no system " +
  "role') }}{% endif %}{% endfor %}";

/** BOS, no system role, turns that alternate, the assistant called model; as in Gemma 2. */
const GEMMA2 =
  "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{% " +
  "for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns must " +
  "alternate') }}{% endif %}{% set name = 'model' if m['role'] == 'assistant' else m['role'] %}{{ '<start>' + " +
  "name + '\n' + m['content'] | trim + '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ " +
  "'<start>model\n' }}{% endif %}";
/** EOS at the end of a conversation that nobody answers; as in Phi-3. */
const PHI3 =
  "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}{% if " +
  "add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}";
/**
 * Thoughts of answers before the last question are left out, the last answer has one even where it is empty; as in
 * Qwen3.
 */
const QWEN3 =
  "{%- set ns = namespace(last=-1) -%}{%- for m in messages[::-1] -%}{%- if ns.last < 0 and m.role == 'user' " +
  '-%}{%- set ns.last = messages | length - 1 - loop.index0 -%}{%- endif -%}{%- endfor -%}{%- for m in ' +
  "messages -%}{%- if m.role == 'assistant' -%}{%- set answer = m.content.split('</think>')[-1].lstrip('\n') " +
  "-%}{%- set thought = m.content.split('</think>')[0].split('<think>')[-1].strip('\n') if '</think>' in " +
  "m.content else '' -%}{{- '<|im_start|>assistant\n' -}}{%- if loop.index0 > ns.last -%}{{- '<think>\n' + " +
  "thought + '\n</think>\n\n' -}}{%- endif -%}{{- answer + '<|im_end|>\n' -}}{%- else -%}{{- '<|im_start|>' + " +
  "m.role + '\n' + m.content + '<|im_end|>\n' -}}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt " +
  "-%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}";

const pair = (prompt: string, completion: string): Example => ({
  line: 1,
  segments: [
    { text: prompt, loss: false },
    { text: completion, loss: true },
  ],
});

function render(example: Example, tokenizer: TextTokenizer, options = WHOLE): RenderedExample {
  const row = renderExample(example, tokenizer, options);
  if ('reason' in row) throw new Error(row.reason);
  return row;
}

/** Runs of labelled ids, and everything else, as text. */
function readBack(row: RenderedExample, tokenizer: TextTokenizer): { learnt: string[]; whole: string } {
  const runs: number[][] = [];
  row.labels.forEach((label, t) => {
    if (label === IGNORED) return;
    expect(label).toBe(row.ids[t]);
    if (t === 0 || row.labels[t - 1] === IGNORED) runs.push([]);
    runs.at(-1)!.push(label);
  });
  const text = (ids: ArrayLike<number>) => tokenizer.decode(ids, { skipSpecialTokens: false });
  return { learnt: runs.map(text), whole: text(row.ids) };
}

describe.skipIf(!hasData)(`rendering${skipNote('data')}`, () => {
  const stories = () => loadTokenizer(sharedPath(STORIES));
  const gpt2 = () => loadTokenizer(sharedPath(GPT2));

  it.each([
    ['SentencePiece', STORIES, '<s> '],
    ['byte-level', GPT2, ''],
  ])('%s: every E2E row begins with the ids of its prompt and reads back exactly', async (_, dir, bos) => {
    const tokenizer = loadTokenizer(sharedPath(dir));
    const { examples } = await readExamples({ file: sharedPath('data/e2e/dev.jsonl') });
    expect(examples).toHaveLength(4672);
    for (const example of examples.filter((_, i) => i % 8 === 0)) {
      const [prompt, completion] = example.segments!.map((segment) => segment.text) as [string, string];
      const row = render(example, tokenizer);
      const promptIds = tokenizer.encodePrompt(prompt);
      expect([...row.ids.slice(0, promptIds.length)]).toEqual(promptIds);
      expect(row.promptTokens).toBe(promptIds.length);
      expect([...row.labels.slice(0, promptIds.length)]).toEqual(promptIds.map(() => IGNORED));
      expect(row.labelled).toBe(row.ids.length - promptIds.length);
      expect(row.ids.at(-1)).toBe(tokenizer.eosId);
      expect(readBack(row, tokenizer).whole).toBe(`${bos}${prompt}${completion}${tokenizer.specialText.eos}`);
    }
  });

  it('equals the joint encoding where no token reaches over the boundary', () => {
    const tokenizer = stories();
    const row = render(pair('Once upon a time', ' there was a girl'), tokenizer);
    expect([...row.ids]).toEqual([...tokenizer.encode('Once upon a time there was a girl'), 2]);
  });

  it.each([
    ['Once up', 'on a time'],
    ['The gir', 'l was'],
    ['A line ', 'there'],
    ['x', '\nthere'],
    ['x ', ' there'],
    ['He said "', '!!"'],
    ['caf', 'é 😀'],
  ])('%j + %j keeps the prompt whole and adds no space', (prompt, completion) => {
    for (const tokenizer of [stories(), gpt2()]) {
      const row = render(pair(prompt, completion), tokenizer);
      const promptIds = tokenizer.encodePrompt(prompt);
      expect([...row.ids.slice(0, promptIds.length)]).toEqual(promptIds);
      expect(tokenizer.decode(row.ids)).toBe(prompt + completion);
      expect(tokenizer.decode(row.ids.slice(0, promptIds.length))).toBe(prompt);
    }
  });

  it('labels all but the first position of a text, and of everything with lossOn all', () => {
    for (const tokenizer of [stories(), gpt2()]) {
      const text: Example = { line: 1, segments: [{ text: 'Once upon a time', loss: true }] };
      const rows = [
        render(text, tokenizer),
        render(pair('Once upon', ' a time'), tokenizer, { ...WHOLE, lossOn: 'all' }),
      ];
      for (const row of rows) {
        expect([...row.ids]).toEqual([...tokenizer.encode('Once upon a time'), tokenizer.eosId]);
        expect([...row.labels]).toEqual([IGNORED, ...row.ids.slice(1)]);
        expect(row.labelled).toBe(row.ids.length - 1);
      }
    }
  });

  it('cuts from the right and counts what is left', () => {
    const whole = render(pair('Once upon', ' a time there was'), stories());
    const cut = render(pair('Once upon', ' a time there was'), stories(), {
      ...WHOLE,
      maxLength: whole.promptTokens + 2,
    });
    expect([...cut.ids]).toEqual([...whole.ids.slice(0, whole.promptTokens + 2)]);
    expect(cut).toMatchObject({ labelled: 2, truncated: true, fullLength: whole.ids.length });
    expect(whole).toMatchObject({ truncated: false, fullLength: whole.ids.length });
    expect(render(pair('Once upon', ' a'), stories(), { ...WHOLE, maxLength: 2 }).labelled).toBe(0);
  });

  const conversation: Message[] = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello' },
    { role: 'user', content: 'Bye' },
    { role: 'assistant', content: 'See you' },
  ];

  it.each([
    [
      'ChatML',
      CHATML,
      ['Hello<|im_end|>\n', 'See you<|im_end|>\n'],
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n' +
        '<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nSee ' +
        'you<|im_end|>\n',
    ],
    [
      'Llama 2',
      LLAMA2,
      [' Hello <|endoftext|>', ' See you <|endoftext|>'],
      '<|endoftext|>[INST] Hi [/INST] Hello <|endoftext|>[INST] Bye [/INST] See you <|endoftext|>',
    ],
    [
      'Gemma 2',
      GEMMA2,
      ['Hello<end>\n', 'See you<end>\n'],
      '<|endoftext|><start>user\nHi<end>\n<start>model\nHello<end>\n<start>user\nBye<end>\n<start>model\nSee ' +
        'you<end>\n',
    ],
    [
      'Phi-3',
      PHI3,
      ['Hello<|end|>\n', 'See you<|end|>\n<|endoftext|>'],
      '<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\nSee ' +
        'you<|end|>\n<|endoftext|>',
    ],
    [
      'Qwen3',
      QWEN3,
      ['Hello<|im_end|>\n', '<think>\n\n</think>\n\nSee you<|im_end|>\n'],
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n' +
        '<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nSee ' +
        'you<|im_end|>\n',
    ],
    [
      'the plain template',
      undefined,
      [' Hello<|endoftext|>', ' See you<|endoftext|>'],
      'User: Hi\nAssistant: Hello<|endoftext|>\nUser: Bye\nAssistant: See you<|endoftext|>',
    ],
  ])('%s: loss on the answers only, and the prompt asks the same way', (_, chatTemplate, learnt, whole) => {
    const tokenizer = { ...gpt2(), chatTemplate };
    const row = render({ line: 1, messages: conversation }, tokenizer);
    expect(readBack(row, tokenizer)).toEqual({ learnt, whole });
    const asked = encodeChatPrompt(tokenizer, conversation.slice(0, 3));
    expect([...row.ids.slice(0, asked.length)]).toEqual(asked);
    expect(row.labels[asked.length - 1]).toBe(IGNORED);
    expect(row.labels[asked.length]).not.toBe(IGNORED);
  });

  it('Qwen3: no loss on an answer whose thought is left out later, loss on the thought of the last', () => {
    const thinking = conversation.map((message) =>
      message.role === 'assistant' ? { ...message, content: `<think>\nHm\n</think>\n\n${message.content}` } : message,
    );
    const tokenizer = { ...gpt2(), chatTemplate: QWEN3 };
    expect(readBack(render({ line: 1, messages: thinking }, tokenizer), tokenizer)).toEqual({
      learnt: ['<think>\nHm\n</think>\n\nSee you<|im_end|>\n'],
      whole:
        '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n' +
        '<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\nHm\n</think>\n\nSee ' +
        'you<|im_end|>\n',
    });
  });

  it('puts one BOS before the plain template of a SentencePiece model', () => {
    const tokenizer = stories();
    const row = render({ line: 1, messages: conversation }, tokenizer);
    expect([...row.ids].filter((id) => id === 1)).toHaveLength(1);
    expect([...row.ids].filter((id) => id === 2)).toHaveLength(2);
    const asked = encodeChatPrompt(tokenizer, conversation.slice(0, 1));
    expect([...row.ids.slice(0, asked.length)]).toEqual(asked);
    expect(tokenizer.decode(asked)).toBe('User: Hi\nAssistant:');
  });

  it('takes no loss from an answer that the template rewrites later, and reports what it refuses', () => {
    const forgetful =
      `{% for m in messages %}{{ m.role + ':' }}{% if m.role == 'user' or loop.last %}{{ m.content }}{% endif ` +
      `%}{{ ';' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}`;
    const tokenizer = { ...gpt2(), chatTemplate: forgetful };
    expect(readBack(render({ line: 1, messages: conversation }, tokenizer), tokenizer)).toEqual({
      learnt: ['See you;'],
      whole: 'user:Hi;assistant:;user:Bye;assistant:See you;',
    });
    const strict = { ...gpt2(), chatTemplate: LLAMA2 };
    const refused = renderExample(
      { line: 1, messages: [{ role: 'system', content: 'S' }, ...conversation] },
      strict,
      WHOLE,
    );
    expect(refused).toEqual({ reason: 'the chat template of the model refuses this conversation: no system role' });
    expect(() => encodeChatPrompt(strict, [{ role: 'system', content: 'S' }])).toThrow(
      'refuses this conversation: no system role; change',
    );
    const deaf = { ...gpt2(), chatTemplate: "{{ messages | length }}{{ ' turns' }}" };
    expect(renderExample({ line: 1, messages: conversation }, deaf, WHOLE)).toHaveProperty('reason');
  });

  it.each(['alpaca.json', 'messages.jsonl', 'sharegpt.json', 'prompt_completion.csv'])(
    'reads back every answer of %s',
    async (name) => {
      const set = await readExamples({ file: sharedPath(`data/instruct/derived_self_instruct/${name}`) });
      const tokenizer = { ...gpt2(), chatTemplate: CHATML };
      expect(set.examples).toHaveLength(427);
      expect(set.bad).toEqual([]);
      for (const example of set.examples) {
        const answer = example.segments
          ? `${example.segments[1]!.text}<|endoftext|>`
          : `${example.messages.at(-1)!.content}<|im_end|>\n`;
        expect(readBack(render(example, tokenizer), tokenizer).learnt).toEqual([answer]);
      }
    },
  );
});
