/** Rows without end: cut like any other, before the rest is tokenised, with the same tokens. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { rowThreads } from './rowThreads.ts';
import { prepareDataset } from './dataset.ts';
import { readDataset } from './read.ts';
import { renderExample } from './render.ts';
import { loadTokenizer } from './tokenizer.ts';
import { prepareTokens } from './tokens/preparedTokens.ts';
import type { Example } from '../../src-shared/datasets.ts';

const STORIES = 'data/stories260k';
const GPT2 = 'data/gpt2_tokenizer';
const folder = new TestFolder();
afterAll(() => folder.remove());
beforeEach(() => void vi.stubEnv('GRAFT_CACHE', path.join(folder.dir, 'cache')));

describe.skipIf(!hasShared(STORIES) || !hasShared(GPT2))(`long rows${skipNote(STORIES)}`, () => {
  const story = 'Tim has a red ball. Once upon a time\n\nthere was 1 girl, named  Lily. ';
  const text = (content: string): Example => ({ line: 1, segments: [{ text: content, loss: true }] });
  const chat = (turns: number): Example => ({
    line: 1,
    messages: Array.from({ length: turns }, (_, i) => [
      { role: 'user' as const, content: `Question ${i}?` },
      { role: 'assistant' as const, content: `${story}${i}` },
    ]).flat(),
  });

  it.each([
    ['words', text(story.repeat(100))],
    ['one word', text('abcab'.repeat(1200))],
    ['one letter', text('a'.repeat(6000))],
    ['emoji', text('😀'.repeat(3000))],
    ['no spaces', text('东京特许许可局'.repeat(500))],
    ['spaces', text(`${' '.repeat(5000)}x`)],
    [
      'prompt and answer',
      {
        line: 1,
        segments: [
          { text: story.repeat(2), loss: false },
          { text: story.repeat(90), loss: true },
        ],
      },
    ],
    ['a conversation', chat(60)],
  ] as [string, Example][])('%s: the same tokens as if the whole were tokenised', (_, example) => {
    for (const dir of [STORIES, GPT2]) {
      const tokenizer = loadTokenizer(sharedPath(dir));
      const whole = renderExample(example, tokenizer, { lossOn: 'completion', maxLength: 100_000 });
      if ('reason' in whole) throw new Error(whole.reason);
      expect(whole.estimated).toBe(false);
      for (const maxLength of [16, 100]) {
        const cut = renderExample(example, tokenizer, { lossOn: 'completion', maxLength });
        if ('reason' in cut) throw new Error(cut.reason);
        expect([...cut.ids]).toEqual([...whole.ids.subarray(0, maxLength)]);
        expect([...cut.labels]).toEqual([...whole.labels.subarray(0, maxLength)]);
        expect(cut.truncated).toBe(whole.fullLength > maxLength);
      }
    }
  });

  it('case 41: a row of megabytes, and a conversation of thousands of turns, are cut', async () => {
    const template =
      "{% for m in messages %}{{ m.role + ':' + m.content + ';' }}{% endfor %}{% if " +
      "add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    const file = folder.write(
      'long.jsonl',
      [{ text: 'Tim has a red ball. '.repeat(300_000) }, { text: 'a'.repeat(2_000_000) }, { text: 'Tom ran.' }]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const { examples, bad } = await prepareDataset({ file, maxLength: 256, tokenizer });
    expect(bad).toEqual([]);
    expect(examples.map(({ ids, truncated }) => [ids.length, truncated])).toEqual([
      [256, true],
      [256, true],
      [examples[2]!.ids.length, false],
    ]);
    // 9 tokens for each 20 characters: what is not tokenised is estimated from what is.
    expect(examples[0]!.fullLength / 300_000).toBeCloseTo(
      tokenizer.encode(' Tim has a red ball.'.repeat(50)).length / 50,
      0,
    );
    const turns = renderExample(
      chat(3000),
      { ...tokenizer, chatTemplate: template },
      { lossOn: 'completion', maxLength: 64 },
    );
    expect(turns).toMatchObject({ truncated: true });
  });

  it('a conversation of hundreds of turns has the tokens that each text has after all before it', () => {
    const starts = ['', ' ', '\n', 'é', '日本', '  1', '<s>', '. '];
    const contents = Array.from(
      { length: 400 },
      (_, i) => `${starts[i % 8]}${story.slice(i % 60)}${' \n'[i % 3] ?? ''}`,
    );
    const messages = contents.map((content, i) => ({
      role: i % 2 ? ('assistant' as const) : ('user' as const),
      content,
    }));
    for (const dir of [STORIES, GPT2]) {
      const tokenizer = loadTokenizer(sharedPath(dir));
      const row = renderExample({ line: 1, messages }, tokenizer, {
        lossOn: 'completion',
        maxLength: 100_000,
        controlTokens: true,
      });
      if ('reason' in row) throw new Error(row.reason);
      const { eos } = tokenizer.specialText;
      const texts = messages.flatMap(({ role, content }, i) =>
        role === 'user' ? [`${i === 0 ? '' : '\n'}User: ${content}`] : ['\nAssistant:', ` ${content}${eos}`],
      );
      // The rule itself, with all the text each time: what the encoder adds, where it leaves the ids before alone.
      let text = '';
      let at = 0;
      let joined = 0;
      for (const own of texts) {
        const joint = tokenizer.encodePrompt(text + own);
        const before = [...row.ids.subarray(0, at)];
        text += own;
        if (before.every((id, i) => joint[i] === id)) {
          joined++;
          expect([...row.ids.subarray(at, joint.length)], own).toEqual(joint.slice(at));
          at = joint.length;
        } else {
          const rest = [...row.ids.subarray(at)];
          const said = tokenizer.decode(joint, { skipSpecialTokens: false });
          let count = 1;
          const upTo = (): string =>
            tokenizer.decode([...before, ...rest.slice(0, count)], { skipSpecialTokens: false });
          while (count < rest.length && upTo().length < said.length) count++;
          expect(upTo(), own).toBe(said);
          at += count;
        }
      }
      expect(at).toBe(row.ids.length);
      expect(joined).toBeGreaterThan(300);
    }
  });

  it('conversations without end are cut, or refused in a sentence', () => {
    const template =
      "{% for m in messages %}{{ m.role + ':' + m.content + ';' }}{% endfor %}{% if " +
      "add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
    const plain = loadTokenizer(sharedPath(GPT2));
    const tokenizer = { ...plain, chatTemplate: template };
    const short = { lossOn: 'completion', maxLength: 64 } as const;
    const endless = { lossOn: 'completion', maxLength: Infinity } as const;
    expect(renderExample(chat(50_000), plain, short)).toMatchObject({ truncated: true });
    expect(renderExample(chat(9_000), tokenizer, short)).toMatchObject({ truncated: true });
    const reason = expect.stringMatching(
      /^it has [\d,]+ messages, and the chat template .*; cut it into rows of at most 1,000 messages$/,
    ) as string;
    for (const options of [short, endless]) expect(renderExample(chat(50_000), tokenizer, options)).toEqual({ reason });
    expect(renderExample(chat(600), tokenizer, endless)).toEqual({ reason });
    expect(renderExample(chat(200), tokenizer, endless)).toMatchObject({ truncated: false, estimated: false });
  });

  it.each([
    ['words', 'Tim has a red ball. '.repeat(250_000)],
    ['one word', 'ab'.repeat(2_500_000)],
    ['line ends', '\n'.repeat(5_000_000)],
  ])('messages, prompts and answers of 5 MB: %s', async (_, long) => {
    const modelDir = path.join(folder.dir, 'chat-model');
    fs.cpSync(sharedPath(GPT2), modelDir, { recursive: true });
    fs.writeFileSync(
      path.join(modelDir, 'chat_template.jinja'),
      "{% for m in messages %}{{ m.role + ':' + m.content + ';' }}{% endfor %}{% if " +
        "add_generation_prompt %}{{ 'assistant:' }}{% endif %}",
    );
    const say = (user: string, assistant: string): unknown => [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ];
    const file = folder.write(
      'messages.jsonl',
      [say('Hello', `a${long}`), say(`a${long}`, 'Hello'), say('Hello', 'there')]
        .map((messages) => JSON.stringify({ messages }))
        .join('\n'),
    );
    const tokenizer = loadTokenizer(modelDir);
    const prepared = await prepareTokens({ file, maxLength: 64, tokenizer, modelDir }, { inMemoryBytes: 0 });
    expect([...(prepared.examples.facts?.tokens ?? [])][0]).toBe(64);
    expect(prepared.examples.length).toBe(2);
    expect(prepared.unusable).toEqual([
      {
        line: 2,
        reason: expect.stringMatching(/^the prompt alone fills max length 64: about [\d,]+ tokens$/) as string,
      },
    ]);
    prepared.close();
    const index = await rowThreads.read(file, folder.dir);
    const { good } = await rowThreads.survey(index, {});
    expect(good.count).toBe(3);
    index.close();
  });

  it('a long prompt is told as such', async () => {
    const file = folder.write('prompt.jsonl', JSON.stringify({ prompt: story.repeat(1000), completion: 'x' }));
    const tokenizer = loadTokenizer(sharedPath(STORIES));
    const { unusable } = await prepareDataset({ file, maxLength: 64, tokenizer });
    expect(unusable).toEqual([
      { line: 1, reason: expect.stringMatching(/^the prompt alone .* about [\d,]+ tokens$/) as string },
    ]);
  });
});

it.each([
  ['jsonl', (deep: string) => `{"text": ${deep}}\n{"text": "b"}\n`, [2]],
  ['json', (deep: string) => `[\n{"text": ${deep}},\n{"text": "b"}]\n`, [3]],
  ['csv', (deep: string) => `text,more\n"${deep}",x\nb,x\n`, [2, 3]],
])('a row nested 20,000 deep leaves the rest of a %s file usable', async (ext, make, lines) => {
  const file = folder.write(`deep.${ext}`, make('['.repeat(20_000) + ']'.repeat(20_000)));
  const { rows, bad } = await readDataset(file);
  expect(rows.map(({ line }) => line)).toEqual(lines);
  if (ext !== 'csv')
    expect(bad).toEqual([{ line: lines[0]! - 1, reason: 'nested more than 64 deep, which no row of a dataset is' }]);
  const index = await rowThreads.read(file, folder.dir);
  expect(index.count).toBe(lines.length);
  index.close();
});

it.each([
  ['jsonl', ['{"text": "', '"}\n{"text": "b"}\n'], 2],
  ['json', ['[{"text": "', '"},\n{"text": "b"}]\n'], 2],
  ['csv', ['text,more\n"', '",x\nb,x\n'], 3],
])('a row of 70 MiB in a %s file is passed over, not held', async (ext, [before, after], line) => {
  const file = folder.write(
    `huge.${ext}`,
    Buffer.concat([Buffer.from(before!), Buffer.alloc(70 * 2 ** 20, 'a'), Buffer.from(after!)]),
  );
  const { rows, bad } = await readDataset(file);
  expect(rows.map((row) => [row.line, row.values['text']])).toEqual([[line, 'b']]);
  expect(bad).toEqual([{ line: line - 1, reason: 'longer than 64 MiB, which no row of a dataset is' }]);
});
