/** Adapters for tests: a random B makes one that changes the model, a new alpha one that is nearly right. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { ADAPTER_CONFIG } from '../checkpoints/peft.ts';
import type { LoraAdapter } from '../engine/methods/lora.ts';
import { replaceValue } from '../engine/model/parameters.ts';
import { Random } from '../engine/random.ts';

/** B ~ N(0, std^2) in every pair. */
export function randomiseB(adapter: LoraAdapter, seed: number, std = 0.3): void {
  for (const { B } of adapter.pairs) {
    replaceValue(B, tf.tensor(Random.stream(seed, B.name).normal(B.value.size, std), B.value.shape));
  }
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
