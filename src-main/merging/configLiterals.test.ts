/** Numbers of a configuration stay as they are written: transformers refuses a Gemma 2 whose caps became integers. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { recheckExport } from '../recheck/recheck.ts';
import { pair, temporaryFolder, tinyAdapter, tinyEntries, writeTiny } from '../../test-support/fixtures/folders.ts';
import { mergeAdapter } from './merge.ts';

/** As transformers writes that of google/gemma-2-2b, with small sizes. */
const CONFIG = `{
  "architectures": [
    "Gemma2ForCausalLM"
  ],
  "attention_bias": false,
  "attention_dropout": 0.0,
  "attn_logit_softcapping": 50.0,
  "bos_token_id": 2,
  "cache_implementation": "hybrid",
  "eos_token_id": 1,
  "final_logit_softcapping": 10.0,
  "head_dim": 4,
  "hidden_act": "gelu_pytorch_tanh",
  "hidden_activation": "gelu_pytorch_tanh",
  "hidden_size": 8,
  "initializer_range": 2e-2,
  "intermediate_size": 12,
  "max_position_embeddings": 32,
  "model_type": "gemma2",
  "num_attention_heads": 2,
  "num_hidden_layers": 2,
  "num_key_value_heads": 1,
  "pad_token_id": 0,
  "query_pre_attn_scalar": 4,
  "rms_norm_eps": 1e-06,
  "rope_theta": 10000.0,
  "sliding_window": 16,
  "torch_dtype": "float32",
  "transformers_version": "4.42.4",
  "use_cache": true,
  "vocab_size": 16
}
`;
/** After a byte order mark. */
const GENERATION =
  '\uFEFF{"cache_implementation": "hybrid", "eos_token_id": 1, "temperature": 1.0, "top_p": 9.5e-01}\n';

it.each([
  ['torch_dtype', 'bf16', 'bfloat16'],
  ['torch_dtype', 'f16', 'float16'],
  ['dtype', 'bf16', 'bfloat16'],
] as const)('of a Gemma 2 whose %s becomes %s', async (field, dtype, name) => {
  const root = temporaryFolder();
  const config = CONFIG.replace('torch_dtype', field);
  const parsed = JSON.parse(config) as ModelConfig;
  const sourceDir = await writeTiny(path.join(root, 'base'), tinyEntries(parsed), parsed);
  fs.writeFileSync(path.join(sourceDir, 'config.json'), config);
  fs.writeFileSync(path.join(sourceDir, 'generation_config.json'), GENERATION);
  const adapter = await tinyAdapter('model.layers.0.self_attn.q_proj', pair(8, 8, 2));
  const exportDir = path.join(root, 'merged');
  const base = openBaseModel(sourceDir);
  await mergeAdapter({ base, adapter, outDir: exportDir, dtype, eosTokenIds: [7] });
  base.close();
  const text = (file: string): string => fs.readFileSync(path.join(exportDir, file), 'utf8');
  const ends = (before: string): string => before.replace('"eos_token_id": 1', '"eos_token_id": [1,7]');
  const compact = (lists: string): string => lists.replace(/\[\s*1,\s*7\s*\]/, '[1,7]');
  expect(compact(text('config.json'))).toBe(ends(config).replace('"float32"', `"${name}"`));
  expect(compact(text('generation_config.json'))).toBe(ends(GENERATION));
  const tasks = [{ adapterDir: adapter.dir, scale: 1 }];
  expect(recheckExport({ sourceDir, exportDir, tasks, dtype, eosTokenIds: [7] })).toMatchObject({
    problems: [],
    changedFields: ['config.json: eos_token_id', `config.json: ${field}`, 'generation_config.json: eos_token_id'],
  });
});
