/** Control tokens that words spell out: text in previews, lengths and chat prompts as in the rows of a run. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Example, Message } from '../../src-shared/datasets.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { TINY_EOS, writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { encodeChatPrompt } from './chat.ts';
import { countTokens } from './lengthCounts.ts';
import { renderExample } from './render.ts';
import { previewTokens } from './tokenPreview.ts';
import { loadTokenizer, type TextTokenizer } from './tokenizer.ts';

/** A byte per token; with a template that ends every turn with EOS where `chatTemplate` is given. */
function tokenizer(chatTemplate?: string): TextTokenizer {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  const file = path.join(dir, 'tokenizer_config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
  fs.writeFileSync(file, JSON.stringify({ ...config, ...(chatTemplate ? { chat_template: chatTemplate } : {}) }));
  return loadTokenizer(dir);
}

const TEMPLATE =
  "{% for m in messages %}{{ m.role + ':' + m.content + eos_token }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
const asked: Message[] = [{ role: 'user', content: 'a</s>b' }];
const ends = (ids: Iterable<number>): number => [...ids].filter((id) => id === TINY_EOS).length;

it.each([
  ['without a template', undefined, 0],
  ['with a template, which writes its own', TEMPLATE, 1],
])('a chat prompt has none but its frame’s %s', (_, template, own) => {
  const model = tokenizer(template);
  const prompt = encodeChatPrompt(model, asked);
  expect([ends(prompt), ends(encodeChatPrompt(model, asked, { controlTokens: true }))]).toEqual([own, own + 1]);
  expect(model.decode(prompt, { skipSpecialTokens: false })).toContain('a</s>b');
  const row: Example = { line: 1, messages: [...asked, { role: 'assistant', content: 'c' }] };
  const { ids } = renderExample(row, model, { lossOn: 'completion', maxLength: 64 }) as { ids: Int32Array };
  expect([...ids.subarray(0, prompt.length)]).toEqual(prompt);
});

it('a preview and the lengths of rows follow the setting', async () => {
  const model = tokenizer();
  const row: Example = {
    line: 1,
    segments: [
      { text: 'a</s>', loss: false },
      { text: 'b', loss: true },
    ],
  };
  async function* rows() {
    yield await Promise.resolve(row);
  }
  // BOS, a, the four characters of </s> or the token, b, EOS.
  for (const [controlTokens, length] of [
    [false, 8],
    [true, 5],
  ] as const) {
    const preview = previewTokens(row, model, { lossOn: 'completion', maxLength: 64, controlTokens });
    expect('tokens' in preview && preview.tokens.length).toBe(length);
    const counted = [];
    for await (const counts of countTokens(rows(), { total: 1, tokenizer: model, lossOn: 'completion', controlTokens }))
      counted.push(counts.lengths);
    expect(counted.at(-1)).toEqual([[length, 1]]);
  }
});
