/** Checkpoint -> GGUF -> checkpoint, for every family: what was written is found again under its own name. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../test-support/fixtures/byteTokenizer.ts';
import { pair, temporaryFolder, tinyAdapter, tinyEntries, writeTiny } from '../../test-support/fixtures/folders.ts';
import type { Quantisation } from '../../src-shared/exports.ts';
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { mergeAdapter, taskEdits } from '../merging/merge.ts';
import { readTensorBytes, readTensorF32, type WeightFile } from '../safetensors/read.ts';
import { exportGguf } from './exportGguf.ts';
import { openGgufWeights } from './weights.ts';

const SIZES = {
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 16,
  max_position_embeddings: 32,
};

const CONFIGS: Record<string, ModelConfig> = {
  gpt2: { model_type: 'gpt2', n_embd: 32, n_head: 4, n_layer: 2, vocab_size: 16, n_positions: 32 },
  llama: { model_type: 'llama', ...SIZES, attention_bias: true, mlp_bias: true },
  mistral: { model_type: 'mistral', ...SIZES, head_dim: 12 },
  qwen2: { model_type: 'qwen2', ...SIZES, tie_word_embeddings: true },
  qwen3: { model_type: 'qwen3', ...SIZES, head_dim: 16 },
  gemma2: { model_type: 'gemma2', ...SIZES, head_dim: 16, query_pre_attn_scalar: 16 },
  gemma3_text: {
    model_type: 'gemma3_text',
    ...SIZES,
    num_hidden_layers: 3,
    head_dim: 16,
    query_pre_attn_scalar: 16,
    sliding_window_pattern: 3,
  },
  olmo2: { model_type: 'olmo2', ...SIZES },
  smollm3: { model_type: 'smollm3', ...SIZES, num_hidden_layers: 5 },
  granite: { model_type: 'granite', ...SIZES, logits_scaling: 3, residual_multiplier: 0.5 },
  phi3: { model_type: 'phi3', ...SIZES, sliding_window: null },
  gpt_neox: { model_type: 'gpt_neox', ...SIZES },
};

/** `use` gets the checkpoint and the tensors of its GGUF under the checkpoint's names. */
async function withBoth(
  config: ModelConfig,
  quantise: Quantisation,
  use: (base: BaseModel, found: WeightFile) => Promise<void> | void,
): Promise<void> {
  const dir = temporaryFolder();
  const base = openBaseModel(await writeTiny(path.join(dir, 'base'), tinyEntries(config), config));
  const outFile = path.join(dir, 'x.gguf');
  await exportGguf({ base, quantise, tokenizerMetadata: byteTokenizer(base.spec.vocab), outFile });
  const found = openGgufWeights(outFile, config);
  await use(base, found);
  found.close();
  base.close();
}

describe('F32 and back', () => {
  it.each(Object.entries(CONFIGS))('%s: equal tensors', async (family, config) => {
    await withBoth(config, 'F32', (base, found) => {
      expect([...found.tensors.keys()].sort()).toEqual([...base.tensors.keys()].sort());
      for (const [name, info] of found.tensors) {
        const [got, want] = [readTensorF32(info), base.readF32(name)];
        // (w + 1) - 1 is w as far as float32 holds w + 1.
        const plusOne = family.startsWith('gemma') && name.endsWith('norm.weight');
        expect(got, name).toEqual(plusOne ? want.map((w) => Math.fround(w + 1) - 1) : want);
      }
    });
  });
});

describe('an adapter merged on the way', () => {
  it.each([
    ['phi3', 'model.layers.1.self_attn.qkv_proj', 64],
    ['gpt_neox', 'gpt_neox.layers.1.attention.query_key_value', 96],
    ['mistral', 'model.layers.0.self_attn.k_proj', 24],
    ['gpt2', 'transformer.h.1.attn.c_attn', 96],
  ])('%s: the file that the merged folder gives', async (family, module, outFeatures) => {
    const dir = temporaryFolder();
    const config = CONFIGS[family]!;
    const base = openBaseModel(await writeTiny(path.join(dir, 'base'), tinyEntries(config), config));
    const adapter = await tinyAdapter(module, pair(32, outFeatures, 2));
    await mergeAdapter({ base, adapter, outDir: path.join(dir, 'merged') });
    const merged = openBaseModel(path.join(dir, 'merged'));
    const common = { quantise: 'F32', name: 'x', tokenizerMetadata: byteTokenizer(base.spec.vocab) } as const;
    const [one, two] = [path.join(dir, 'one.gguf'), path.join(dir, 'two.gguf')];
    await exportGguf({ ...common, base, edit: taskEdits([{ adapter, scale: 1 }], base), outFile: one });
    await exportGguf({ ...common, base: merged, outFile: two });
    expect(fs.readFileSync(one).equals(fs.readFileSync(two))).toBe(true);
    await exportGguf({ ...common, base, outFile: one });
    expect(fs.readFileSync(one).equals(fs.readFileSync(two))).toBe(false);
    merged.close();
    base.close();
  });
});

describe('a GGUF as the base of a GGUF', () => {
  it.each(['Q8_0', 'Q4_0', 'Q4_K_M'] as const)('keeps what no adapter changes byte for byte: %s', async (quantise) => {
    const config = { ...CONFIGS['llama'], hidden_size: 256, attention_bias: false, mlp_bias: false };
    await withBoth(config, quantise, async (base, found) => {
      const tensors = new Map([...found.tensors].map(([name, info]) => [name, { ...info, originalName: name }]));
      const edited = 'model.layers.0.self_attn.q_proj.weight';
      const outFile = path.join(temporaryFolder(), 'again.gguf');
      await exportGguf({
        base: { ...base, tensors },
        edit: ({ name }) => (name === edited ? (rows) => void rows.fill(0.5) : undefined),
        quantise,
        tokenizerMetadata: byteTokenizer(base.spec.vocab),
        outFile,
      });
      const again = openGgufWeights(outFile, config);
      for (const [name, info] of again.tensors) {
        const same = Buffer.from(readTensorBytes(info)).equals(readTensorBytes(found.tensors.get(name)!));
        expect(same, name).toBe(name !== edited);
      }
      again.close();
    });
  });
});
