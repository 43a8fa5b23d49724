/**
 * Random checkpoints in the shape of well-known models, written once as float32 Hugging Face folders, so that every
 * rival reads the same bytes. Matrices N(0, 0.02^2), norm weights 1, biases 0.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { castF32 } from '../../src-main/checkpoints/dtype.ts';
import { expectedTensors } from '../../src-main/checkpoints/expectedTensors.ts';
import { writeSafetensors, type TensorEntry } from '../../src-main/checkpoints/safetensorsWrite.ts';
import { architectureFromConfig, type ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { Random } from '../../src-main/engine/random.ts';
import { writeFolderAtomic } from '../../src-main/files.ts';
import { writeTinyTokenizer } from '../../src-main/testing/tinyTokenizer.ts';

const SEED = 3;

const CONFIGS = {
  gpt2: {
    model_type: 'gpt2', n_layer: 12, n_embd: 768, n_head: 12, n_positions: 1024, vocab_size: 50257,
    layer_norm_epsilon: 1e-5, activation_function: 'gelu_new', tie_word_embeddings: true, torch_dtype: 'float32',
  },
  smollm: {
    model_type: 'llama', num_hidden_layers: 30, hidden_size: 576, num_attention_heads: 9, num_key_value_heads: 3, intermediate_size: 1536,
    vocab_size: 49152, max_position_embeddings: 2048, rms_norm_eps: 1e-5, rope_theta: 10000, hidden_act: 'silu', tie_word_embeddings: true, torch_dtype: 'float32',
  },
} satisfies Record<string, ModelConfig>;

export type Shape = keyof typeof CONFIGS;

export function vocabularyOf(shape: Shape): number {
  return CONFIGS[shape].vocab_size;
}

/** GRAFT_CACHE, else the system's temporary folder. */
export function benchFolder(): string {
  return path.join(process.env['GRAFT_CACHE'] ? path.resolve(process.env['GRAFT_CACHE']) : os.tmpdir(), 'graft-bench');
}

/** Name of the model's folder below `benchFolder()`; writes it when it is not there. */
export async function ensureModel(shape: Shape): Promise<string> {
  const name = `${shape}-seed${SEED}`;
  const dir = path.join(benchFolder(), name);
  if (!fs.existsSync(dir)) await writeFolderAtomic(dir, (temporary) => fill(temporary, CONFIGS[shape]));
  return name;
}

async function fill(dir: string, config: ModelConfig): Promise<void> {
  fs.writeFileSync(path.join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  writeTinyTokenizer(dir); // only so that the folder is complete: no case reads text
  const entries = expectedTensors(architectureFromConfig(config), config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }): TensorEntry => ({ name, shape, dtype: 'F32', data: () => castF32(valuesOf(name, shape), 'F32') }));
  await writeSafetensors(path.join(dir, 'model.safetensors'), entries);
}

function valuesOf(name: string, shape: number[]): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) return new Float32Array(count).fill(name.endsWith('bias') ? 0 : 1);
  return Random.stream(SEED, name).normal(count, 0.02);
}
