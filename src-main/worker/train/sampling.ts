/**
 * Texts that a run writes on its way, so that one can read what it has learnt: greedy continuations of fixed prompts
 * with the half-trained values in place. Nothing here is drawn at random and no value is changed, so the training goes
 * on as if it had not been; the key/value cache goes with the last token.
 */
import { counted } from '../../../src-shared/plural.ts';
import { collate } from '../../datasets/batches.ts';
import { encodeChatPrompt } from '../../datasets/chat.ts';
import { encodeBarePrompt } from '../../datasets/controlTokens.ts';
import { withTemplate } from '../../datasets/promptTemplates.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { generateBatch } from '../../engine/generate/generate.ts';
import { Random } from '../../../src-shared/random.ts';
import type { RowList } from '../../datasets/tokens/rowList.ts';
import type { Choice } from '../../datasets/types.ts';
import type { Run, Sampler } from './run.ts';

/**
 * As the rows' prompt template puts a question; without one a prompt is continued as it is. Null where no samples are
 * wanted. Throws SAMPLE_PROMPT_TOO_LONG, EMPTY_PROMPT.
 */
export function makeSampler({
  settings: { samplePrompts, sampleTokens },
  model,
  method,
  data,
}: Pick<Run, 'settings' | 'model' | 'method' | 'data'>): Sampler | null {
  const { tokenizer, endTokens } = data;
  if (samplePrompts.length === 0) return null;
  const virtual = model.adapter?.virtual;
  const prompts = samplePrompts.map((text) => {
    const ids = samplePromptIds(text, data);
    const all = virtual ? virtualPrompt(ids, { ...virtual, vocab: model.spec.vocab }) : ids;
    checkLength(text, all.length, model.spec.maxPositions);
    return all;
  });
  const eosIds = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds, ...endTokens.map(({ id }) => id)])];
  const rows = rowsOf(prompts, data);
  return {
    expected: rows.map((row) => row && answerIn(row, tokenizer)),
    async losses() {
      method.beforeEvaluation();
      const losses: (number | null)[] = [];
      for (const row of rows) {
        const batch = row && collate(row.part, [row.place], data.padId);
        losses.push(batch && (await evaluateLoss(model, [batch])).loss);
      }
      return losses;
    },
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

/** As the rows' prompt template puts the question, without one as it is. */
export function samplePromptIds(
  text: string,
  {
    tokenizer,
    kind,
    promptTemplate,
    controlTokens,
  }: Pick<Run['data'], 'tokenizer' | 'kind' | 'promptTemplate' | 'controlTokens'>,
): number[] {
  const template = promptTemplate?.template;
  const isAsked = promptTemplate ? template !== undefined : kind === 'messages';
  if (isAsked) {
    const style = template === undefined ? tokenizer : withTemplate(tokenizer, template);
    return encodeChatPrompt(style, [{ role: 'user', content: text }], { controlTokens });
  }
  return promptTemplate ? encodeBarePrompt(tokenizer, text, { controlTokens }) : tokenizer.encodePrompt(text);
}

/** Rows of each part that are looked at for answers; the questions that a plan suggests are of the first. */
const LOOKED_AT = 200;

interface AskingRow {
  part: RowList;
  place: number;
  /** Tokens of the question. */
  asked: number;
}

/** The first row that asks with exactly the tokens of each prompt, of the held-out ones first. */
function rowsOf(prompts: readonly number[][], { val, train }: Run['data']): (AskingRow | null)[] {
  const found = prompts.map((): AskingRow | null => null);
  for (const part of [val, train])
    for (let place = 0; place < Math.min(LOOKED_AT, part.length) && found.includes(null); place++) {
      const { ids, labels, good = true } = part.at(place)! as Choice;
      if (!good) continue; // nobody is to expect a bad answer
      const asked = labels.findIndex((label) => label >= 0);
      for (const [i, prompt] of prompts.entries())
        if (found[i] === null && asked === prompt.length && prompt.every((id, t) => ids[t] === id))
          found[i] = { part, place, asked };
    }
  return found;
}

function answerIn({ part, place, asked }: AskingRow, tokenizer: TextTokenizer): string {
  const ids = [...part.at(place)!.ids];
  const question = ids.slice(0, asked).filter((id) => id < tokenizer.vocabSize);
  return continuation(tokenizer, question, ids.slice(asked));
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
