/**
 * From the tokens of a batch to streamed texts: one answer per row, each ending at its own stop text, end token or
 * length.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeChatPrompt } from '../../datasets/chat.ts';
import { encodeBarePrompt } from '../../datasets/controlTokens.ts';
import { withTemplate } from '../../datasets/promptTemplates.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { virtualPrompt } from '../../datasets/virtualTokens.ts';
import { checkPrompt, type BatchEvent, type BatchRow } from '../../engine/generate/generate.ts';
import type { VirtualTokens } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { Random } from '../../../src-shared/random.ts';
import { checkPromptBuffers } from './promptBuffers.ts';
import { StreamedAnswer } from './streamedAnswer.ts';
import type { CallControl } from '../control.ts';
import type { AnswerPiece, CompareEvent, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import { NAMED } from './tokenTexts.ts';
import type { Writer } from './writer.ts';
import { keepTuning } from '../tuning.ts';

interface Request {
  model: Decoder;
  tokenizer: TextTokenizer;
  params: GenerateParams;
  /** Numbers under which the events tell of the answers, one for each. */
  rows: number[];
  /** What writes each of the answers. */
  writers: Pick<Writer, 'endIds' | 'promptTemplate'>[];
  /** Virtual tokens of the adapter that answers. */
  virtual?: Pick<VirtualTokens, 'prefix' | 'infix'> | undefined;
  /** Starts decoding. */
  decode(rows: BatchRow[]): AsyncGenerator<BatchEvent, void>;
  /** Told what each row's answer grows by, and its end. */
  emit(event: CompareEvent): void;
  control: CallControl;
}

/** The results in the order of `rows`. Throws EMPTY_PROMPT, PROMPT_TOO_LONG and BUFFER_TOO_LARGE. */
export async function answerBatch({
  model,
  tokenizer,
  params,
  rows,
  writers,
  virtual,
  decode,
  emit,
  control,
}: Request): Promise<GenerateResult[]> {
  const prompts = writers.map(({ promptTemplate }) => promptIds(tokenizer, params, promptTemplate));
  const ids = virtual ? prompts.map((own) => virtualPrompt(own, { ...virtual, vocab: model.spec.vocab })) : prompts;
  for (const own of ids) checkPrompt(own, model.spec.maxPositions);
  const { maxNew } = params;
  const promptTokens = Math.max(...ids.map((own) => own.length));
  checkPromptBuffers(model.spec, { rows: rows.length, promptTokens, maxNew, tokensPerPass: Infinity });
  const answers = rows.map((row, i) => {
    const show = (piece: AnswerPiece): void => emit({ type: 'text', row, ...piece });
    const tell = (result: GenerateResult): void => emit({ type: 'done', row, result });
    return new StreamedAnswer(tokenizer, prompts[i]!, params.stop ?? [], { show, tell });
  });
  for await (const event of decode(
    answers.map((_, i) => ({
      prompt: ids[i]!,
      options: optionsOf(model, tokenizer, params, writers[i]?.endIds ?? []),
    })),
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

/** `kept`: of the adapter that answers, whose template then writes conversations in place of the model's. */
export function promptIds(
  tokenizer: TextTokenizer,
  { prompt, chat, asTrained = false, messages, ids, controlTokens }: GenerateParams,
  kept?: KeptTemplate,
): number[] {
  if (ids) return ids;
  const style = kept?.template === undefined ? tokenizer : withTemplate(tokenizer, kept.template);
  if (messages) return encodeChatPrompt(style, messages, { controlTokens });
  const isAsked = asTrained && kept ? kept.template !== undefined : chat === true;
  if (!isAsked && asTrained && kept) return encodeBarePrompt(tokenizer, prompt, { controlTokens });
  if (!isAsked) return tokenizer.encodePrompt(prompt);
  return encodeChatPrompt(style, [{ role: 'user', content: prompt }], { controlTokens });
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
