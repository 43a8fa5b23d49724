/** Right adapters in forms that PEFT writes and Graft does not: their merge passes the second reading. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { writeAdapterFile, type NamedTensor } from '../adapters/files.ts';
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { mergeAdapter } from '../merging/merge.ts';
import { readPeftAdapter } from '../methods/lora/peft.ts';
import { pair, temporaryFolder, TINY_CONFIG, tinyEntries, writeTiny } from '../../test-support/fixtures/folders.ts';
import { tensorsOfFile } from './plainTensors.ts';
import { recheckExport } from './recheck.ts';

const Q = 'model.layers.0.self_attn.q_proj';
const GPT2: ModelConfig = { model_type: 'gpt2', n_embd: 8, n_head: 2, n_layer: 1, n_positions: 16, vocab_size: 16 };
const GPT_NEOX: ModelConfig = {
  model_type: 'gpt_neox',
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 16,
  rotary_pct: 0.5,
  vocab_size: 16,
};
const EMBEDDING = 'model.embed_tokens.weight';

interface Form {
  base?: ModelConfig;
  module?: string;
  outputs?: number;
  /** Fields beside the kind, the rank of 2 and the module. */
  config?: Record<string, unknown>;
  /** Tensors beside the pair, below PEFT's prefix. */
  more?: (base: BaseModel) => Record<string, NamedTensor>;
  /** What happens to the folders before they are merged. */
  change?: (sourceDir: string, adapterDir: string) => void;
}

async function merged({ base: config = TINY_CONFIG, module = Q, outputs = 8, ...form }: Form) {
  const root = temporaryFolder();
  const sourceDir = await writeTiny(path.join(root, 'base'), tinyEntries(config), config);
  const [adapterDir, exportDir] = [path.join(root, 'adapter'), path.join(root, 'merged')];
  const base = openBaseModel(sourceDir);
  const { A, B } = pair(8, outputs, 2);
  const tensors = { [`${module}.lora_A.weight`]: A, [`${module}.lora_B.weight`]: B, ...form.more?.(base) };
  await writeAdapterFile(adapterDir, {
    config: { peft_type: 'LORA', r: 2, target_modules: [module], ...form.config },
    tensors: new Map(Object.entries(tensors).map(([name, tensor]) => [`base_model.model.${name}`, tensor])),
  });
  form.change?.(sourceDir, adapterDir);
  await mergeAdapter({ base, adapter: readPeftAdapter(adapterDir), outDir: exportDir });
  base.close();
  return { sourceDir, adapterDir, exportDir };
}

type Folders = Awaited<ReturnType<typeof merged>>;

function recheck({ adapterDir, ...folders }: Folders) {
  return recheckExport({ ...folders, tasks: [{ adapterDir, scale: 1 }], dtype: undefined });
}

const saved = (base: BaseModel): NamedTensor => ({ shape: base.shape(EMBEDDING), data: base.readF32(EMBEDDING) });
const masks = (attention: string): Record<string, NamedTensor> => ({
  [`${attention}.bias`]: { shape: [1, 1, 4, 4], data: new Float32Array(16).fill(1) },
  [`${attention}.masked_bias`]: { shape: [], data: Float32Array.of(-1e4) },
});
const mark = (...file: string[]): void =>
  fs.writeFileSync(path.join(...file), `\uFEFF${fs.readFileSync(path.join(...file), 'utf8')}`);

const FORMS: Record<string, Form> = {
  'no alpha': {},
  'null everywhere': { config: { lora_alpha: null, use_rslora: null, fan_in_fan_out: null, alpha_pattern: null } },
  'patterns of Python': { config: { lora_alpha: 4, alpha_pattern: { '(\\w+\\.?)+!': 9, '(?P<part>q|k)_proj': 7 } } },
  'the embedding and the tied head saved along': {
    more: (base) => ({ [EMBEDDING]: saved(base), 'lm_head.weight': saved(base) }),
  },
  "GPT-2's causal masks saved with the biases": {
    base: GPT2,
    module: 'transformer.h.0.attn.c_attn',
    outputs: 24,
    config: { bias: 'all', fan_in_fan_out: true },
    more: () => masks('transformer.h.0.attn'),
  },
  "GPT-NeoX's causal masks saved with the biases": {
    base: GPT_NEOX,
    module: 'gpt_neox.layers.0.attention.query_key_value',
    outputs: 24,
    config: { bias: 'all' },
    more: () => masks('gpt_neox.layers.0.attention'),
  },
  'byte order marks before the configurations': {
    change: (sourceDir, adapterDir) => {
      mark(sourceDir, 'config.json');
      mark(adapterDir, 'adapter_config.json');
    },
  },
};

it.each(Object.entries(FORMS))('%s', async (_, form) => {
  expect(recheck(await merged(form))).toMatchObject({ problems: [], passed: true });
});

it('a saved head that is not the embedding of the tied base is found', async () => {
  const folders = await merged({ more: (base) => ({ 'lm_head.weight': saved(base) }) });
  const file = path.join(folders.adapterDir, 'adapter_model.safetensors');
  const bytes = fs.readFileSync(file);
  bytes[tensorsOfFile(file).get('base_model.model.lm_head.weight')!.start + 2]! ^= 1;
  fs.writeFileSync(file, bytes);
  expect(recheck(folders).problems).toEqual([
    expect.stringMatching(/^model\.embed_tokens\.weight holds .* where source and adapter give/),
  ]);
});
