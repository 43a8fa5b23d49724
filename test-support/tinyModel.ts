/** A small random Llama checkpoint with a tokenizer, written to a folder: what a training test needs. */
import fs from 'node:fs';
import path from 'node:path';
import { castF32 } from '../src-main/safetensors/dtype.ts';
import { expectedTensors } from '../src-main/basemodel/expectedTensors.ts';
import { writeSafetensors, type TensorEntry } from '../src-main/safetensors/write.ts';
import { architectureFromConfig, type ModelConfig } from '../src-main/engine/model/architecture.ts';
import { Random } from '../src-main/engine/random.ts';
import { TINY_BOS, TINY_EOS, TINY_VOCAB, writeTinyTokenizer } from './tinyTokenizer.ts';

export const TINY_LLAMA: ModelConfig = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: TINY_VOCAB,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  torch_dtype: 'float32',
  bos_token_id: TINY_BOS,
  eos_token_id: TINY_EOS,
};

export const TINY_GPT2: ModelConfig = {
  model_type: 'gpt2',
  n_embd: 16,
  n_head: 4,
  n_layer: 2,
  n_positions: 64,
  vocab_size: TINY_VOCAB,
  torch_dtype: 'float32',
  bos_token_id: TINY_BOS,
  eos_token_id: TINY_EOS,
};

/** Writes the checkpoint into `dir` and returns it. Matrices are N(0, 0.2^2), norm weights 1. */
export async function writeTinyModel(
  dir: string,
  { config = TINY_LLAMA, seed = 0 }: { config?: ModelConfig; seed?: number } = {},
): Promise<string> {
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  writeTinyTokenizer(dir);
  const entries = expectedTensors(architectureFromConfig(config), config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }): TensorEntry => {
      const count = shape.reduce((a, b) => a * b, 1);
      const values =
        shape.length === 1 ? new Float32Array(count).fill(1) : Random.stream(seed, name).normal(count, 0.2);
      return { name, shape, dtype: 'F32', data: () => castF32(values, 'F32') };
    });
  await writeSafetensors(path.join(dir, 'model.safetensors'), entries);
  return dir;
}
