/** For tests: temporary folders, a small synthetic Llama checkpoint and adapter, and a small or read-only disk. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { architectureFromConfig, type ModelConfig } from '../src-main/engine/model/architecture.ts';
import { castF32, FLOAT_DTYPES, type DtypeName } from '../src-main/safetensors/dtype.ts';
import { expectedTensors } from '../src-main/basemodel/expectedTensors.ts';
import {
  readPeftAdapter,
  writePeftAdapter,
  type GraftAdapterInfo,
  type LoraPair,
  type PeftAdapter,
} from '../src-main/adapters/peftLora.ts';
import { writeSafetensors, type TensorEntry } from '../src-main/safetensors/write.ts';

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-test-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Repeatable values in (-1, 1). */
export function values(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * i + 78.233 * seed));
}

export const TINY_CONFIG: ModelConfig = {
  model_type: 'llama',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 16,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  torch_dtype: 'float32',
};

/** Every tensor that `config` asks for, as entries of a file. */
export function tinyEntries(config: ModelConfig = TINY_CONFIG, dtype: DtypeName = 'f32', seed = 0): TensorEntry[] {
  return expectedTensors(architectureFromConfig(config), config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }, i) => ({
      name,
      shape,
      dtype: FLOAT_DTYPES[dtype],
      data: () =>
        castF32(
          values(
            shape.reduce((a, b) => a * b),
            seed + i,
          ),
          FLOAT_DTYPES[dtype],
        ),
    }));
}

/** Writes a checkpoint folder of one file and returns its path. */
export async function writeTiny(
  dir: string,
  entries = tinyEntries(),
  config: ModelConfig = TINY_CONFIG,
): Promise<string> {
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  await writeSafetensors(path.join(dir, 'model.safetensors'), entries);
  return dir;
}

/** A pair of rank `r` for a layer from `inFeatures` to `outFeatures`. */
export function pair(inFeatures: number, outFeatures: number, r: number, seed = 1): LoraPair {
  return {
    A: { shape: [r, inFeatures], data: values(r * inFeatures, seed) },
    B: { shape: [outFeatures, r], data: values(outFeatures * r, seed + 1) },
  };
}

/** An adapter of rank 2 and alpha 4, written to a folder of its own and read back. */
export async function tinyAdapter(module: string, lora: LoraPair, graft?: GraftAdapterInfo): Promise<PeftAdapter> {
  const dir = path.join(temporaryFolder(), 'adapter');
  const config = {
    r: 2,
    lora_alpha: 4,
    lora_dropout: 0,
    target_modules: ['q_proj'],
    fan_in_fan_out: false,
    base_model_name_or_path: 'tiny',
  };
  await writePeftAdapter(dir, { config, modules: new Map([[module, lora]]), ...(graft ? { graft } : {}) });
  return readPeftAdapter(dir);
}

/** Mounts a tmpfs with `options` (e.g. `size=64k` or `ro`) for this test; undefined where that is not possible. */
export function mountDisk(options: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(dir);
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', [dir]);
    fs.rmdirSync(dir);
  });
  return dir;
}

export const NO_DISK = 'needs root on Linux to mount a small tmpfs';
