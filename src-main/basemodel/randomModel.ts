/** A model of another width with random weights, to be pretrained: what families of growing width are made of. */
import fs from 'node:fs';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import { Random } from '../../src-shared/random.ts';
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { writeFolderAtomic } from '../files/writeWhole.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { writeSafetensors, type TensorEntry } from '../safetensors/write.ts';
import { readConfig } from './config.ts';
import { expectedTensors } from './expectedTensors.ts';
import { copySideFiles } from './sideFiles.ts';

/** Of the embeddings; narrower ones leave words of one class too close together to be learnt in a few hundred steps. */
const EMBEDDING_STD = 0.2;

/**
 * Writes a model into the new folder `dir` that has the tokenizer, the layers and the heads of the Llama-like one in
 * `from`, but is `width` wide, its MLP in proportion. Norms are 1, matrices N(0, 1/in). Throws a usage error
 * MODEL_WIDTH where the heads do not divide the width, or the config does not say its width.
 */
export async function writeRandomModel(dir: string, from: string, { width, seed }: { width: number; seed: number }) {
  const config = widened(readConfig(from), from, width);
  await writeFolderAtomic(dir, async (folder) => {
    copySideFiles(from, folder);
    fs.writeFileSync(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    await writeSafetensors(path.join(folder, 'model.safetensors'), randomWeights(config, seed));
  });
}

function widened(config: ModelConfig, from: string, width: number): ModelConfig {
  const { hidden_size: hidden, intermediate_size: inner, num_attention_heads: heads } = config;
  if (typeof hidden !== 'number' || typeof inner !== 'number' || typeof heads !== 'number')
    throw usageError(
      'MODEL_WIDTH',
      `The config.json in ${from} lacks hidden_size, intermediate_size or num_attention_heads, so no model of ` +
        'another width can be made from it; name one of the Llama family.',
      { dir: from },
    );
  // Rotary positions turn pairs of values.
  if (width < 2 * heads || width % (2 * heads) !== 0)
    throw usageError(
      'MODEL_WIDTH',
      `A width of ${width} cannot be split into ${heads} heads; give multiples of ${2 * heads}.`,
      { width, heads },
    );
  const scaled = { ...config, hidden_size: width, intermediate_size: Math.round((inner * width) / hidden) };
  return 'head_dim' in config ? { ...scaled, head_dim: width / heads } : scaled;
}

function randomWeights(config: ModelConfig, seed: number): TensorEntry[] {
  const spec = architectureFromConfig(config);
  return expectedTensors(spec, config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const std = name.endsWith('embed_tokens.weight') ? EMBEDDING_STD : 1 / Math.sqrt(shape.at(-1)!);
      const values = (): Float32Array =>
        shape.length === 1 ? new Float32Array(size).fill(1) : Random.stream(seed, name).normal(size, std);
      return { name, dtype: 'F32', shape, data: () => castF32(values(), 'F32') };
    });
}
