/** LoRA adapters whose values are drawn, so that each changes the answers. */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { replaceValue } from '../../src-main/engine/model/parameters.ts';
import { saveAdapter } from '../../src-main/methods/adapterFolder.ts';
import { createLora } from '../../src-main/methods/lora/lora.ts';
import { useBackend } from '../../src-main/worker/backend.ts';
import type { LoraSettings } from '../../src-shared/methods/lora.ts';
import { Random } from '../../src-shared/random.ts';

const SETTINGS: LoraSettings = {
  type: 'lora',
  rank: 8,
  alpha: 16,
  dropout: 0,
  targets: ['q', 'v'],
  init: 'kaiming',
};
const STD = 0.02;

/** Writes one adapter per seed below `dir`; returns their folders. */
export async function drawnAdapters(modelDir: string, dir: string, seeds: number[]): Promise<string[]> {
  await useBackend('wasm');
  const base = openBaseModel(modelDir);
  const folders: string[] = [];
  for (const seed of seeds) {
    const adapter = createLora(base.spec, SETTINGS, seed);
    for (const { B } of adapter.pairs)
      replaceValue(B, tf.tensor(Random.stream(seed, B.name).normal(B.value.size, STD), B.value.shape));
    const folder = path.join(dir, `adapter-${seed}`);
    const createdAt = new Date().toISOString();
    const info = {
      format: 1,
      baseHash: base.hash,
      baseName: 'base',
      task: 'bench',
      runId: 'bench',
      createdAt,
    } as const;
    await saveAdapter(folder, adapter, SETTINGS, base, info);
    adapter.dispose();
    folders.push(folder);
  }
  base.close();
  return folders;
}
