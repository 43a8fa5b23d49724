/**
 * LoRA adapters in the format of the Python PEFT library: keys `base_model.model.<module path>.lora_A.weight` (r, in)
 * and `.lora_B.weight` (out, r), with DoRA `.lora_magnitude_vector` (out), and trained biases under the model's own
 * names, `.base_layer.bias` where the layer is adapted. What else may stand there: peftParts.ts; what it does to a
 * base: peftContent.ts.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { readAdapterFile, writeAdapterFile, type AdapterFile, type NamedTensors } from '../../adapters/files.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { PEFT_PREFIX } from '../../adapters/peft.ts';
import { checkPromised } from '../../adapters/promised.ts';
import { storedFrom, type StoredAdapter } from '../../adapters/stored.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { fullPeftConfig, parsePeftConfig, type PeftConfig, type PeftConfigInput } from './peftConfig.ts';
import { contentOn } from './peftContent.ts';
import { partsOf, type LoraPair, type Matrix, type PeftFileParts } from './peftParts.ts';

export type { LoraPair };

export interface PeftAdapter extends StoredAdapter, PeftFileParts {
  config: PeftConfig;
}

/**
 * Reads and checks the LoRA adapter in `dir`; weights of any float dtype become float32.
 * Throws GraftError PEFT_NOT_FOUND, PEFT_CONFIG, PEFT_UNSUPPORTED, PEFT_WEIGHTS (unknown key, missing part, rank that
 * does not match, NaN or Inf), GRAFT_INFO, SAFETENSORS_* or TORCH_FILE*.
 */
export function readPeftAdapter(dir: string): PeftAdapter {
  return asPeftAdapter(readAdapterFile(dir));
}

/** The same from a file that has been read. */
export function asPeftAdapter(file: AdapterFile): PeftAdapter {
  const { dir, configFile, configText, graft } = file;
  if (configText === undefined)
    throw new GraftError(
      'PEFT_UNSUPPORTED',
      `${dir} holds an adapter in Graft's own format (${graft?.method?.type}), not a LoRA; use a LoRA adapter.`,
      { dir },
    );
  const config = parsePeftConfig(configFile, configText);
  const parts = partsOf(file, config);
  const stored = storedFrom(file, config.base_model_name_or_path, (base) => {
    const content = contentOn(file, config, parts, base);
    checkPromised(file, base, [...parts.modules.keys(), ...parts.embeddings.keys()]);
    return content;
  });
  return Object.assign(stored, { config, ...parts });
}

export interface PeftParts {
  config: PeftConfigInput;
  modules: Map<string, LoraPair>;
  /** By tensor name. */
  biases?: Map<string, Float32Array>;
  score?: Matrix | undefined;
  graft?: GraftAdapterInfo;
}

/**
 * Writes an adapter folder that PEFT 0.20 loads as it is; `dir` must not exist unless `replace` is set. The folder
 * appears whole or not at all. Throws as writeAdapterFile.
 */
export async function writePeftAdapter(
  dir: string,
  { config, modules, biases = new Map(), score, graft }: PeftParts,
  options: { replace?: boolean } = {},
): Promise<WrittenFile> {
  const tensors: NamedTensors = new Map();
  for (const [module, { A, B, magnitude }] of modules) {
    tensors.set(`${PEFT_PREFIX}${module}.lora_A.weight`, A);
    tensors.set(`${PEFT_PREFIX}${module}.lora_B.weight`, B);
    if (magnitude)
      tensors.set(`${PEFT_PREFIX}${module}.lora_magnitude_vector`, { shape: [magnitude.length], data: magnitude });
  }
  for (const [name, data] of biases) tensors.set(biasKey(name, modules), { shape: [data.length], data });
  if (score) tensors.set(PEFT_PREFIX + SCORE, score);
  return writeAdapterFile(dir, { config: fullPeftConfig(config), tensors, graft }, options);
}

/** PEFT wraps an adapted layer, which then is `base_layer` of what has its name. */
function biasKey(name: string, modules: Map<string, LoraPair>): string {
  const layer = name.slice(0, -'.bias'.length);
  return PEFT_PREFIX + (modules.has(layer) ? `${layer}.base_layer.bias` : name);
}
