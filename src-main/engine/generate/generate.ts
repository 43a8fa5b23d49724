/** Token-by-token decoding of one prompt: a batch of one row. */
import type { Decoder } from '../model/decoder.ts';
import { generateBatch } from './batch.ts';
import type { GenerateOptions } from './nextToken.ts';

export { generateBatch, generateMixed } from './batch.ts';
export { lastLogits, type GenerateOptions } from './nextToken.ts';
export { checkPrompt, RollingBatch, type BatchEvent, type BatchRow } from './rollingBatch.ts';
export type { TokenLikelihood } from './likelihood.ts';

/**
 * Yields new token ids until `maxNew`, an end token, or the model's longest sequence is reached.
 * Frees its cache when it ends or the caller stops iterating. Throws on an empty or too long prompt.
 */
export async function* generateTokens(
  model: Decoder,
  prompt: ArrayLike<number>,
  options: GenerateOptions,
): AsyncGenerator<number, 'length' | 'eos'> {
  for await (const event of generateBatch(model, [{ prompt, options }])) {
    if ('end' in event) return event.end;
    yield event.id;
  }
  return 'length';
}
