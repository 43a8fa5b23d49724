/** The token that ends an answer, from the rows of a training and from a chat template. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';
import { taughtEnds, templateEnds } from './endTokens.ts';
import { renderExample } from './render.ts';
import { loadTokenizer, type TextTokenizer } from './tokenizer.ts';
import type { TokenisedExample } from './types.ts';

const IM_END = { id: 259, text: '<|im_end|>' };
const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The tiny tokenizer with ChatML's tokens and a chat template; its EOS stays </s>. */
function tokenizerWith(template?: string): TextTokenizer {
  const dir = temporaryFolder();
  writeTinyTokenizer(dir);
  const [tokenizerFile, configFile] = ['tokenizer.json', 'tokenizer_config.json'].map((name) => path.join(dir, name));
  const tokenizer = JSON.parse(fs.readFileSync(tokenizerFile!, 'utf8')) as { added_tokens: object[] };
  for (const [i, content] of ['<|im_start|>', '<|im_end|>'].entries())
    tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 258 + i, content });
  fs.writeFileSync(tokenizerFile!, JSON.stringify(tokenizer));
  const config = JSON.parse(fs.readFileSync(configFile!, 'utf8')) as object;
  fs.writeFileSync(configFile!, JSON.stringify({ ...config, ...(template ? { chat_template: template } : {}) }));
  return loadTokenizer(dir);
}

function rowOf(tokenizer: TextTokenizer, answers: string[], maxLength = 1000): TokenisedExample {
  const messages = answers.flatMap((content) => [
    { role: 'user' as const, content: 'Who?' },
    { role: 'assistant' as const, content },
  ]);
  const row = renderExample({ line: 1, messages }, tokenizer, { lossOn: 'completion', maxLength });
  if ('reason' in row) throw new Error(row.reason);
  return { ...row, line: 1, group: 0 };
}

it("ChatML's end of turn on a base with another EOS", () => {
  const tokenizer = tokenizerWith(CHATML);
  expect(tokenizer.eosIds).toEqual([257]);
  expect(templateEnds(tokenizer)).toEqual([IM_END]);
  expect(taughtEnds([rowOf(tokenizer, ['The cat.']), rowOf(tokenizer, ['A', 'B'])], tokenizer)).toEqual([IM_END]);
});

it('no end where most rows are cut before it, where text ends them, or where the model names it itself', () => {
  const tokenizer = tokenizerWith(CHATML);
  expect(taughtEnds([rowOf(tokenizer, ['The cat.'], 30)], tokenizer)).toEqual([]);
  expect(templateEnds(tokenizerWith(CHATML.replaceAll("'<|im_end|>'", "'END'")))).toEqual([]);
  expect(templateEnds(tokenizerWith(CHATML.replaceAll("'<|im_end|>'", "'</s>'")))).toEqual([]);
  const plain = tokenizerWith();
  expect(templateEnds(plain)).toEqual([]);
  expect(taughtEnds([rowOf(plain, ['The cat.'])], plain)).toEqual([]);
  expect(taughtEnds([], plain)).toEqual([]);
});

it('a template that refuses every conversation has no end', () => {
  expect(templateEnds(tokenizerWith("{{ raise_exception('no') }}"))).toEqual([]);
});
