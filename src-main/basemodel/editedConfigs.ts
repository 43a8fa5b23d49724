/** The fields of config.json and generation_config.json that an export changes; all else stays byte for byte. */
import fs from 'node:fs';
import path from 'node:path';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { isMultimodal } from '../engine/model/multimodal.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { setInJsonFile } from '../files/jsonEdit.ts';
import { TORCH_DTYPES, type FloatDtype } from '../safetensors/dtype.ts';

const CONFIG = 'config.json';
const GENERATION_CONFIG = 'generation_config.json';

/**
 * Says in the copied config.json that all weights are `dtype` now. transformers 4 names the field torch_dtype,
 * transformers 5 dtype; whichever is there is changed, and torch_dtype, which both read, is added where neither is.
 */
export function setDtype(dir: string, config: ModelConfig, dtype: FloatDtype): void {
  const fields = ['torch_dtype', 'dtype'].filter((field) => field in config);
  for (const field of fields.length > 0 ? fields : ['torch_dtype'])
    setInJsonFile(path.join(dir, CONFIG), [field], TORCH_DTYPES[dtype]);
  const text = isMultimodal(config) ? (config['text_config'] as ModelConfig) : {};
  for (const field of ['torch_dtype', 'dtype'].filter((one) => one in text))
    setInJsonFile(path.join(dir, CONFIG), ['text_config', field], TORCH_DTYPES[dtype]);
}

/** Says in the copied config.json that the head is a tensor of its own; a release says it of its text part too. */
export function setUntied(dir: string, config: ModelConfig): void {
  setInJsonFile(path.join(dir, CONFIG), ['tie_word_embeddings'], false);
  if (isMultimodal(config)) setInJsonFile(path.join(dir, CONFIG), ['text_config', 'tie_word_embeddings'], false);
}

/**
 * Writes ids that end a generation into the copied files, after those that are there. Readers that find a
 * generation_config.json do not look into config.json for any special token, so that a new one repeats them.
 */
export function addEosTokenIds(dir: string, config: ModelConfig, ids: readonly number[]): void {
  const file = path.join(dir, GENERATION_CONFIG);
  if (!fs.existsSync(file)) {
    const roles = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((field) => config[field] !== undefined);
    const fields = Object.fromEntries(roles.map((field) => [field, config[field]]));
    fs.writeFileSync(file, `${JSON.stringify(fields, null, 2)}\n`);
  }
  const generation = JSON.parse(readForeignText(file)) as Record<string, unknown>;
  for (const [name, fields] of [
    [CONFIG, config],
    [GENERATION_CONFIG, generation],
  ] as const) {
    const known = [fields['eos_token_id']].flat().filter((id) => typeof id === 'number');
    setInJsonFile(path.join(dir, name), ['eos_token_id'], [...new Set([...known, ...ids])]);
  }
}
