/** Whole files against what llama.cpp's own quantiser makes of our F32 file: types of all tensors, and every byte. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Quantisation } from '../../../src-shared/exports.ts';
import { libllama, llamaQuantize } from '../../../test-support/checks/llamaQuantize.ts';
import { byteTokenizer } from '../../../test-support/fixtures/byteTokenizer.ts';
import { temporaryFolder, tinyEntries, writeTiny } from '../../../test-support/fixtures/folders.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { exportGguf } from '../exportGguf.ts';
import { FILE_TYPES } from './planTypes.ts';

const LLAMA: ModelConfig = {
  model_type: 'llama',
  hidden_size: 256,
  intermediate_size: 256,
  num_hidden_layers: 9,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  vocab_size: 64,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: false,
};

/** Wide rows, tied and not; rows of 64 and 96, and of 40, for which types fall back; fused matrices; positions. */
const MODELS: Record<string, ModelConfig> = {
  llama: LLAMA,
  'llama, tied': { ...LLAMA, num_hidden_layers: 3, tie_word_embeddings: true },
  'llama, narrow': { ...LLAMA, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 3 },
  'llama, rows of 40': { ...LLAMA, hidden_size: 40, intermediate_size: 64, num_hidden_layers: 1 },
  'llama, 80 layers': { ...LLAMA, num_hidden_layers: 80, intermediate_size: 32, head_dim: 16 },
  phi3: { ...LLAMA, model_type: 'phi3', num_hidden_layers: 3, sliding_window: null },
  gpt2: { model_type: 'gpt2', n_embd: 256, n_head: 4, n_layer: 3, vocab_size: 64, n_positions: 32, n_inner: 256 },
};

const ALL_TYPES: Quantisation[] = ['F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_K_M', 'Q5_K_M', 'Q6_K'];
const TYPES_OF: Record<string, Quantisation[]> = {
  // No blocks of 32 either: llama.cpp then takes F16 in place of K-quants, and refuses Q8_0 and Q4_0.
  'llama, rows of 40': ['Q4_K_M', 'Q5_K_M'],
  // What it takes for a 70B model.
  'llama, 80 layers': ['Q4_K_M'],
};

async function written(dir: string, model: string, quantise: Quantisation): Promise<string> {
  const base = openBaseModel(model);
  const outFile = path.join(dir, `${quantise}.gguf`);
  await exportGguf({ base, quantise, tokenizerMetadata: byteTokenizer(base.spec.vocab), outFile });
  base.close();
  return outFile;
}

const absent = libllama() === undefined;

describe.skipIf(absent)(`llama_model_quantize${absent ? ' (skipped: no prebuilt llama.cpp)' : ''}`, () => {
  it.each(Object.entries(MODELS))('%s', async (name, config) => {
    const dir = temporaryFolder();
    const model = await writeTiny(path.join(dir, 'model'), tinyEntries(config), config);
    const input = await written(dir, model, 'F32');
    const types = TYPES_OF[name] ?? ALL_TYPES;
    for (const quantise of types) {
      const own = fs.readFileSync(await written(dir, model, quantise));
      const output = path.join(dir, 'theirs.gguf');
      llamaQuantize(input, output, FILE_TYPES[quantise]);
      expect(own.equals(fs.readFileSync(output)), quantise).toBe(true);
    }
  });
});
