/**
 * Random checkpoints in the shape of well-known models, written once as float32 Hugging Face folders, so that every
 * rival reads the same bytes. Matrices N(0, 0.02^2), norm weights 1, biases 0.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { expectedTensors } from '../../src-main/basemodel/expectedTensors.ts';
import { writeSafetensors, type TensorEntry } from '../../src-main/safetensors/write.ts';
import { architectureFromConfig, type ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { Random } from '../../src-shared/random.ts';
import { writeFolderAtomic } from '../../src-main/files/writeWhole.ts';
import { writeTinyTokenizer } from '../../test-support/fixtures/tinyTokenizer.ts';

const SEED = 3;

/** As Hugging Face's config.json of GPT-2 with L layers of width C. */
function gpt2Config(L: number, C: number, heads: number, positions = 1024): ModelConfig & { vocab_size: number } {
  return {
    model_type: 'gpt2',
    n_layer: L,
    n_embd: C,
    n_head: heads,
    n_positions: positions,
    vocab_size: 50257,
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
    tie_word_embeddings: true,
    torch_dtype: 'float32',
  };
}

function llamaConfig(
  L: number,
  C: number,
  heads: number,
  kvHeads: number,
  intermediate: number,
  vocabulary: number,
  positions = 2048,
): ModelConfig & { vocab_size: number } {
  return {
    model_type: 'llama',
    num_hidden_layers: L,
    hidden_size: C,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: intermediate,
    vocab_size: vocabulary,
    max_position_embeddings: positions,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    torch_dtype: 'float32',
  };
}

const CONFIGS = {
  gpt2: gpt2Config(12, 768, 12),
  smollm: llamaConfig(30, 576, 9, 3, 1536, 49152),
  /** Positions enough for the longest rows of `grow`. */
  'gpt2-2048': gpt2Config(12, 768, 12, 2048),
  /** Positions enough for the longest rows of `long`. */
  'smollm-16384': llamaConfig(30, 576, 9, 3, 1536, 49152, 16384),
  'gpt2-2-layers': gpt2Config(2, 768, 12),
  'gpt2-6-layers': gpt2Config(6, 768, 12),
  'gpt2-medium': gpt2Config(24, 1024, 16),
  'gpt2-large': gpt2Config(36, 1280, 20),
  /** For trying out that everything runs. */
  tiny: llamaConfig(2, 64, 4, 2, 128, 512),
};

export type Shape = keyof typeof CONFIGS;

/** Its config.json. */
export function configOf(shape: Shape): ModelConfig {
  return CONFIGS[shape];
}

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

/** All weights of a model, in millions of parameters. */
export function millionsOf(shape: Shape): number {
  const config: ModelConfig = CONFIGS[shape];
  const tensors = expectedTensors(architectureFromConfig(config), config).filter(({ optional }) => !optional);
  return tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0) / 1e6;
}

async function fill(dir: string, config: ModelConfig): Promise<void> {
  fs.writeFileSync(path.join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  writeTinyTokenizer(dir); // only so that the folder is complete: no case reads text
  const entries = expectedTensors(architectureFromConfig(config), config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }): TensorEntry => ({
      name,
      shape,
      dtype: 'F32',
      data: () => castF32(valuesOf(name, shape), 'F32'),
    }));
  await writeSafetensors(path.join(dir, 'model.safetensors'), entries);
}

function valuesOf(name: string, shape: number[]): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) return new Float32Array(count).fill(name.endsWith('bias') ? 0 : 1);
  return Random.stream(SEED, name).normal(count, 0.02);
}
