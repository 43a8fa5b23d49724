/** GPT-2's separate q, k, v pairs as PEFT's one pair on c_attn, through a folder on disk and back. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { readPeftAdapter } from './lora/peft.ts';
import { moduleScale } from './lora/peftConfig.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { createLora } from './lora/lora.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import { randomiseB } from '../../test-support/fixtures/adapters.ts';
import { expectClose, maxAbsDifference } from '../../test-support/checks/expectClose.ts';
import { loadModel } from '../../test-support/goldens/goldens.ts';
import { attachTrained, settingsOf, writeFamily } from '../../test-support/cases/methodCases.ts';
import { TINY_LLAMA, writeTinyModel } from '../../test-support/fixtures/tinyModel.ts';
import { loadAdapter, saveAdapter } from './adapterFolder.ts';
import type { LoraSettings } from '../../src-shared/methods/lora.ts';
import { useBackend } from '../worker/backend.ts';

const GPT2 = {
  model_type: 'gpt2',
  n_embd: 16,
  n_head: 4,
  n_layer: 2,
  n_positions: 64,
  vocab_size: 258,
  torch_dtype: 'float32',
};

beforeAll(async () => void (await useBackend('tensorflow')));

interface Case {
  config: object;
  targets: LoraSettings['targets'];
  /** What adapter_config.json must say, for rank 3 and alpha 12. */
  wanted: {
    r: number;
    lora_alpha: number;
    rank_pattern: object;
    alpha_pattern: object;
    target_modules: string[];
    fan_in_fan_out: boolean;
  };
}

const CASES: Case[] = [
  {
    config: GPT2,
    targets: ['q', 'v'],
    wanted: {
      r: 6,
      lora_alpha: 24,
      rank_pattern: {},
      alpha_pattern: {},
      target_modules: ['c_attn'],
      fan_in_fan_out: true,
    },
  },
  {
    config: GPT2,
    targets: ['k'],
    wanted: {
      r: 3,
      lora_alpha: 12,
      rank_pattern: {},
      alpha_pattern: {},
      target_modules: ['c_attn'],
      fan_in_fan_out: true,
    },
  },
  {
    config: GPT2,
    targets: ['q', 'v', 'fc'],
    wanted: {
      r: 3,
      lora_alpha: 12,
      rank_pattern: { c_attn: 6 },
      alpha_pattern: { c_attn: 24 },
      target_modules: ['c_attn', 'c_fc'],
      fan_in_fan_out: true,
    },
  },
  {
    config: GPT2,
    targets: ['q', 'k', 'v', 'o', 'proj'],
    wanted: {
      r: 3,
      lora_alpha: 12,
      rank_pattern: { c_attn: 9 },
      alpha_pattern: { c_attn: 36 },
      target_modules: ['c_attn', 'attn.c_proj', 'mlp.c_proj'],
      fan_in_fan_out: true,
    },
  },
  {
    config: GPT2,
    targets: ['qkv'],
    wanted: {
      r: 3,
      lora_alpha: 12,
      rank_pattern: {},
      alpha_pattern: {},
      target_modules: ['c_attn'],
      fan_in_fan_out: true,
    },
  },
  {
    config: TINY_LLAMA,
    targets: ['q', 'down'],
    wanted: {
      r: 3,
      lora_alpha: 12,
      rank_pattern: {},
      alpha_pattern: {},
      target_modules: ['q_proj', 'down_proj'],
      fan_in_fan_out: false,
    },
  },
];

it.each(CASES)('$config.model_type with targets $targets', async ({ config, targets, wanted }) => {
  const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'model'), { config: { ...config } });
  const base = openBaseModel(modelDir);
  const model = loadModel(modelDir);
  const plain = await logitsOf(model);
  const settings: LoraSettings = { type: 'lora', rank: 3, alpha: 12, dropout: 0.05, targets, init: 'kaiming' };
  const adapter = createLora(base.spec, settings, 1);
  randomiseB(adapter, 2);
  const want = await logitsOf(model.with(adapter));
  expect(maxAbsDifference(want, plain)).toBeGreaterThan(0.1);

  const dir = path.join(temporaryFolder(), 'adapter');
  const info = {
    format: 1,
    baseHash: base.hash,
    baseName: 'tiny',
    task: 'test',
    runId: 'run-1',
    createdAt: new Date().toISOString(),
  } as const;
  const { sha256 } = await saveAdapter(dir, adapter, settings, base, info);
  const onDisk = loadAdapter(dir, base);
  expectClose(await logitsOf(model.with(onDisk)), want, { rtol: 1e-5, atol: 1e-5 });
  expect(readPeftAdapter(dir).sha256).toBe(sha256);

  const written = JSON.parse(fs.readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as object;
  expect(written).toMatchObject({
    ...wanted,
    lora_dropout: 0.05,
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    bias: 'none',
  });
  const { config: read, modules } = readPeftAdapter(dir);
  expect(modules.size).toBe(2 * wanted.target_modules.length);
  for (const module of modules.keys()) expect(moduleScale(read, module), module).toBe(4);

  adapter.dispose();
  onDisk.dispose();
  model.dispose();
  base.close();
});

it.each([
  [
    'lora, patterns and layers',
    {
      r: 3,
      lora_alpha: 12,
      rank_pattern: { q_proj: 2, o_proj: 4 },
      alpha_pattern: { q_proj: 7, v_proj: 5 },
      layers_to_transform: [1],
      target_modules: ['q_proj', 'v_proj', 'o_proj', 'up_proj'],
    },
  ],
  [
    'lora, patterns in all layers',
    {
      r: 3,
      lora_alpha: 12,
      rank_pattern: { 'model.layers.0.self_attn.q_proj': 2, up_proj: 4 },
      alpha_pattern: { 'model.layers.1.mlp.up_proj': 5 },
      layers_to_transform: null,
    },
  ],
  ['rslora', { r: 3, lora_alpha: 12, use_rslora: true, rank_pattern: {}, alpha_pattern: {} }],
  ['lora, bias all', { bias: 'all', use_dora: false }],
  ['lora, bias lora_only', { bias: 'lora_only', use_dora: true }],
  ['pissa', { r: 4, lora_alpha: 8, init_lora_weights: true }],
  [
    'lokr, factor',
    { peft_type: 'LOKR', r: 4, alpha: 3, decompose_factor: 8, layers_to_transform: [0], target_modules: ['o_proj'] },
  ],
  ['loha', { peft_type: 'LOHA', r: 2, alpha: 3, target_modules: ['v_proj', 'up_proj'] }],
  [
    'prefix key-value',
    { peft_type: 'PREFIX_TUNING', num_virtual_tokens: 4, num_layers: 2, num_attention_heads: 2, token_dim: 8 },
  ],
] as const)('adapter_config.json of %s on Llama', async (name, wanted) => {
  const { base, model, method, outDir } = await attachTrained(await writeFamily('llama'), settingsOf('llama', name));
  await method.save();
  const config = JSON.parse(fs.readFileSync(path.join(outDir, 'adapter_config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  expect(Object.fromEntries(Object.keys(wanted).map((field) => [field, config[field]]))).toEqual(wanted);
  model.dispose();
  base.close();
});

async function logitsOf(model: Decoder): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden([1, 5, 9, 200, 2, 7], 1, 6)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
