/**
 * From the tokens of a batch to streamed texts: one answer per row, each ending at its own stop text, end token or
 * length.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeChatPrompt } from '../../datasets/chat.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import type { BatchEvent, BatchRow } from '../../engine/generate/generate.ts';
import type { VirtualTokens } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { Random } from '../../../src-shared/random.ts';
import { StreamedAnswer } from './streamedAnswer.ts';
import type { CallControl } from '../control.ts';
import type { AnswerPiece, CompareEvent, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import { NAMED } from './tokenTexts.ts';
import { keepTuning } from '../tuning.ts';

interface Request {
  model: Decoder;
  tokenizer: TextTokenizer;
  params: GenerateParams;
  /** Numbers under which the events tell of the answers, one for each. */
  rows: number[];
  /** Ids that end each of the answers, beside those that the model names. */
  endIds: (readonly number[])[];
  /** Virtual tokens of the adapter that answers. */
  virtual?: Pick<VirtualTokens, 'prefix' | 'infix'> | undefined;
  /** Starts decoding. */
  decode(rows: BatchRow[]): AsyncGenerator<BatchEvent, void>;
  /** Told what each row's answer grows by, and its end. */
  emit(event: CompareEvent): void;
  control: CallControl;
}

/** The results in the order of `rows`. */
export async function answerBatch({
  model,
  tokenizer,
  params,
  rows,
  endIds,
  virtual,
  decode,
  emit,
  control,
}: Request): Promise<GenerateResult[]> {
  const prompt = promptIds(tokenizer, params);
  const ids = virtual ? virtualPrompt(prompt, { ...virtual, vocab: model.spec.vocab }) : prompt;
  const answers = rows.map((row) => {
    const show = (piece: AnswerPiece): void => emit({ type: 'text', row, ...piece });
    const tell = (result: GenerateResult): void => emit({ type: 'done', row, result });
    return new StreamedAnswer(tokenizer, prompt, params.stop ?? [], { show, tell });
  });
  for await (const event of decode(
    answers.map((_, i) => ({ prompt: ids, options: optionsOf(model, tokenizer, params, endIds[i] ?? []) })),
  )) {
    const answer = answers[event.row]!;
    if ('end' in event) answer.ended = event.end;
    else if (!answer.isOver) answer.push(event.id, event.likelihood);
    if (answer.isOver) answer.finish();
    if (control.stopped || answers.every(({ isOver }) => isOver)) break;
    await keepTuning();
    await setImmediate(); // libtensorflow answers at once: without this no message would get in between two tokens
  }
  return answers.map((answer) => answer.finish());
}

export function promptIds(
  tokenizer: TextTokenizer,
  { prompt, chat, messages, ids, controlTokens }: GenerateParams,
): number[] {
  if (ids) return ids;
  if (messages) return encodeChatPrompt(tokenizer, messages, { controlTokens });
  if (!chat) return tokenizer.encodePrompt(prompt);
  return encodeChatPrompt(tokenizer, [{ role: 'user', content: prompt }], { controlTokens });
}

export function optionsOf(
  model: Decoder,
  tokenizer: TextTokenizer,
  params: GenerateParams,
  endIds: readonly number[],
): BatchRow['options'] {
  const { maxNew, temperature, topK, topP, repetitionPenalty, seed = 0, probabilities = false, named = NAMED } = params;
  const ends = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds, ...endIds])];
  return {
    maxNew,
    temperature,
    topK,
    topP,
    repetitionPenalty,
    eosIds: params.ignoreEnds ? [] : ends,
    random: new Random(seed),
    likeliest: probabilities ? named : 0,
  };
}
