/** Adapters for tests: a random B makes one that changes the model, a new alpha one that is nearly right. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel } from '../src-main/basemodel/baseModel.ts';
import { ADAPTER_CONFIG } from '../src-main/adapters/peftLora.ts';
import { temporaryFolder } from './folders.ts';
import { createLora, type LoraAdapter } from '../src-main/methods/lora/lora.ts';
import type { Target } from '../src-main/engine/model/architecture.ts';
import { replaceValue } from '../src-main/engine/model/parameters.ts';
import { Random } from '../src-main/engine/random.ts';
import { saveAdapter } from '../src-main/methods/adapterFolder.ts';
import type { LoraSettings } from '../src-shared/methodSettings.ts';

/** B ~ N(0, std^2) in every pair. */
export function randomiseB(adapter: LoraAdapter, seed: number, std = 0.3): void {
  for (const { B } of adapter.pairs) {
    replaceValue(B, tf.tensor(Random.stream(seed, B.name).normal(B.value.size, std), B.value.shape));
  }
}

/** A saved adapter of rank 2 for the model in `modelDir`, with random A and B. Removed after the test. */
export async function randomAdapter(modelDir: string, targets: Target[], seed = 1): Promise<string> {
  const checkpoint = openBaseModel(modelDir);
  const settings: LoraSettings = { type: 'lora', rank: 2, alpha: 4, dropout: 0, targets, init: 'kaiming' };
  const adapter = createLora(checkpoint.spec, settings, seed);
  randomiseB(adapter, seed);
  const dir = path.join(temporaryFolder(), 'adapter');
  const info = {
    format: 1,
    baseHash: checkpoint.hash,
    baseName: 'tiny',
    task: 'test',
    runId: 'run-1',
    createdAt: new Date().toISOString(),
  } as const;
  await saveAdapter(dir, adapter, settings, checkpoint, info);
  adapter.dispose();
  checkpoint.close();
  return dir;
}

/** Multiplies alpha in the adapter folder `dir`. */
export function scaleAlphaOnDisk(dir: string, factor: number): void {
  const file = path.join(dir, ADAPTER_CONFIG);
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as { lora_alpha: number };
  fs.writeFileSync(file, JSON.stringify({ ...config, lora_alpha: config.lora_alpha * factor }));
}

/** A copy of an adapter folder that may be changed; shared data is read-only. */
export function copyAdapter(dir: string, to: string): string {
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(dir)) fs.writeFileSync(path.join(to, name), fs.readFileSync(path.join(dir, name)));
  return to;
}
