/** Answers of a loaded model with one adapter or with several. */
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { generateBatch, generateMixed, type BatchEvent, type BatchRow } from '../../engine/generate/generate.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { isMixable, MixedLora } from '../../methods/lora/mixed.ts';
import type { CompareEvent, GenerateParams, GenerateResult } from '../../../src-shared/generation.ts';
import type { Writer } from './writer.ts';
import type { CallControl } from '../control.ts';
import { answerBatch } from './answerBatch.ts';

/** The model that answers. */
interface Answering {
  model: Decoder;
  tokenizer: TextTokenizer;
}

interface Asked {
  params: GenerateParams;
  emit(event: CompareEvent): void;
  control: CallControl;
}

/**
 * One answer per adapter (null: the plain base), in their order. The base and plain LoRAs are decoded as one batch,
 * adapters of other methods one after the other behind it.
 */
export async function answerEach(
  answering: Answering,
  writers: Writer[],
  { params, emit, control }: Asked,
): Promise<GenerateResult[]> {
  const { model, tokenizer } = answering;
  const results: GenerateResult[] = [];
  const plain = writers.flatMap(({ adapter, endIds }, row) => (isMixable(adapter) ? [{ row, adapter, endIds }] : []));
  if (plain.length > 0) {
    const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> =>
      generateMixed(model, rows, new MixedLora(plain.map(({ adapter }) => adapter)));
    const rows = plain.map(({ row }) => row);
    const endIds = plain.map((one) => one.endIds);
    const answered = await answerBatch({ model, tokenizer, params, rows, endIds, decode, emit, control });
    for (const [i, result] of answered.entries()) results[rows[i]!] = result;
  }
  for (const [row, writer] of writers.entries())
    results[row] ??= await answerAlone(answering, writer, row, { params, emit, control });
  return results;
}

/** `row`: the number under which the events tell of it. */
export async function answerAlone(
  { model: base, tokenizer }: Answering,
  { adapter, endIds }: Writer,
  row: number,
  asked: Asked,
): Promise<GenerateResult> {
  const model = base.with(adapter);
  const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> => generateBatch(model, rows);
  const virtual = adapter?.virtual;
  const [result] = await answerBatch({ model, tokenizer, rows: [row], endIds: [endIds], virtual, decode, ...asked });
  return result!;
}
