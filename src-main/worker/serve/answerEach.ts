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
  // The base is asked as the first adapter is, so that it can be compared.
  const promptTemplate = writers.find((writer) => writer.adapter)?.promptTemplate;
  const asked = writers.map((writer) =>
    writer.adapter || writer.promptTemplate ? writer : { ...writer, promptTemplate },
  );
  const plain = asked.flatMap(({ adapter, ...writer }, row) => (isMixable(adapter) ? [{ row, adapter, writer }] : []));
  if (plain.length > 0) {
    const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> =>
      generateMixed(model, rows, new MixedLora(plain.map(({ adapter }) => adapter)));
    const rows = plain.map(({ row }) => row);
    const own = plain.map(({ writer }) => writer);
    const answered = await answerBatch({ model, tokenizer, params, rows, writers: own, decode, emit, control });
    for (const [i, result] of answered.entries()) results[rows[i]!] = result;
  }
  for (const [row, writer] of asked.entries())
    results[row] ??= await answerAlone(answering, writer, row, { params, emit, control });
  return results;
}

/** `row`: the number under which the events tell of it. */
export async function answerAlone(
  { model: base, tokenizer }: Answering,
  { adapter, ...writer }: Writer,
  row: number,
  asked: Asked,
): Promise<GenerateResult> {
  const model = base.with(adapter);
  const decode = (rows: BatchRow[]): AsyncGenerator<BatchEvent, void> => generateBatch(model, rows);
  const virtual = adapter?.virtual;
  const [result] = await answerBatch({ model, tokenizer, rows: [row], writers: [writer], virtual, decode, ...asked });
  return result!;
}
