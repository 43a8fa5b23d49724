/**
 * Graft's side of decoding with several adapters: random ones over the loaded base, and a batch whose rows use one
 * each.
 */
import * as tf from '@tensorflow/tfjs-core';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { writeSafetensors } from '../../src-main/safetensors/write.ts';
import { generateMixed } from '../../src-main/engine/generate/generate.ts';
import { MixedLora } from '../../src-main/methods/lora/mixed.ts';
import { createLora, type LoraAdapter } from '../../src-main/methods/lora/lora.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { replaceValue } from '../../src-main/engine/model/parameters.ts';
import { Random } from '../../src-shared/random.ts';
import type { AdaptersSetup } from './protocol.ts';

/** Makes one adapter per file and writes its values there, for the rivals. */
export async function makeAdapters(
  model: Decoder,
  { files, targets, rank, alpha }: AdaptersSetup,
): Promise<LoraAdapter[]> {
  const adapters: LoraAdapter[] = [];
  for (const [seed, file] of files.entries()) {
    const adapter = createLora(model.spec, { rank, alpha, dropout: 0, targets, init: 'kaiming' }, seed);
    for (const { B } of adapter.pairs)
      replaceValue(B, tf.tensor(Random.stream(seed, B.name).normal(B.value.size, 0.05), B.value.shape));
    const values = await Promise.all(
      adapter
        .parameters()
        .map(async ({ name, value }) => ({ name, shape: value.shape, data: (await value.data()) as Float32Array })),
    );
    await writeSafetensors(
      file,
      values.map(({ name, shape, data }) => ({ name, shape, dtype: 'F32', data: () => castF32(data, 'F32') })),
    );
    adapters.push(adapter);
  }
  return adapters;
}

/** Greedy ids of one row per adapter, row after row. */
export async function generateWithAdapters(
  model: Decoder,
  adapters: LoraAdapter[],
  prompt: number[],
  maxNew: number,
): Promise<number[]> {
  const rows = adapters.map(() => ({
    prompt,
    options: { maxNew, temperature: 0, eosIds: [], random: new Random(0) },
  }));
  const ids = rows.map((): number[] => []);
  for await (const event of generateMixed(model, rows, new MixedLora(adapters)))
    if ('id' in event) ids[event.row]!.push(event.id);
  return ids.flat();
}
