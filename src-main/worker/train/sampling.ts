/**
 * Texts that a run writes on its way, so that one can read what it has learnt: greedy continuations of fixed prompts
 * with the half-trained values in place. Nothing here is drawn at random and no value is changed, so the training goes
 * on as if it had not been; the key/value cache goes with the last token.
 */
import { counted } from '../../../src-shared/plural.ts';
import { encodeChatPrompt } from '../../datasets/chat.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { generateBatch } from '../../engine/generate/generate.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Run, Sampler } from './run.ts';

/**
 * Conversations are asked through the chat template, all else is continued as it is. Null where no samples are wanted.
 * Throws SAMPLE_PROMPT_TOO_LONG, EMPTY_PROMPT.
 */
export function makeSampler({
  settings: { samplePrompts, sampleTokens },
  model,
  method,
  data: { tokenizer, kind, controlTokens, endTokens },
}: Pick<Run, 'settings' | 'model' | 'method' | 'data'>): Sampler | null {
  if (samplePrompts.length === 0) return null;
  const virtual = model.adapter?.virtual;
  const prompts = samplePrompts.map((text) => {
    const ids =
      kind === 'messages'
        ? encodeChatPrompt(tokenizer, [{ role: 'user', content: text }], { controlTokens })
        : tokenizer.encodePrompt(text);
    const all = virtual ? virtualPrompt(ids, { ...virtual, vocab: model.spec.vocab }) : ids;
    checkLength(text, all.length, model.spec.maxPositions);
    return all;
  });
  const eosIds = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds, ...endTokens.map(({ id }) => id)])];
  return {
    async texts() {
      method.beforeEvaluation();
      const written: number[][] = prompts.map(() => []);
      const options = { maxNew: sampleTokens, temperature: 0, eosIds, random: new Random(0) };
      for await (const event of generateBatch(
        model,
        prompts.map((prompt) => ({ prompt, options })),
      )) {
        if ('id' in event) written[event.row]!.push(event.id);
      }
      return prompts.map((prompt, row) =>
        continuation(
          tokenizer,
          prompt.filter((id) => id < model.spec.vocab),
          written[row]!,
        ),
      );
    },
  };
}

/**
 * What the new tokens add to the text of the prompt: some tokenizers write a token otherwise at the start of a text.
 */
function continuation(tokenizer: TextTokenizer, prompt: number[], written: number[]): string {
  return tokenizer.decode([...prompt, ...written]).slice(tokenizer.decode(prompt).length);
}

function checkLength(text: string, tokens: number, maxPositions: number): void {
  if (tokens === 0) throw usageError('EMPTY_PROMPT', 'A sample prompt has no tokens; type at least one word.');
  if (tokens < maxPositions) return;
  throw usageError(
    'SAMPLE_PROMPT_TOO_LONG',
    `The sample prompt "${text.slice(0, 40)}…" has ${counted(tokens, 'token')}, but this model sees at most ` +
      `${maxPositions}; shorten it.`,
    { tokens, maxPositions },
  );
}
