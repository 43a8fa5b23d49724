/**
 * LoRA adapters in the format of the Python PEFT library: keys `base_model.model.<module path>.lora_A.weight` (r, in)
 * and `.lora_B.weight` (out, r), with DoRA `.lora_magnitude_vector` (out), and trained biases under the model's own
 * names, `.base_layer.bias` where the layer is adapted.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import {
  checkedBiases,
  checkSizes,
  contentOf,
  layersOf,
  wrongShape,
  type AdapterContent,
  type Base,
  type Cell,
} from '../../adapters/content.ts';
import {
  adapterWeightsError,
  readAdapterFile,
  writeAdapterFile,
  type AdapterFile,
  type NamedTensor,
  type NamedTensors,
} from '../../adapters/files.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { byPattern, PEFT_PREFIX, peftUnsupported } from '../../adapters/peft.ts';
import { checkPromised } from '../../adapters/promised.ts';
import { checkSavedBase, isSavedBase } from '../../adapters/savedBase.ts';
import { storedFrom, type StoredAdapter } from '../../adapters/stored.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { targetsOf } from '../targets.ts';
import {
  fullPeftConfig,
  isClassifier,
  moduleRank,
  moduleScale,
  parsePeftConfig,
  type PeftConfig,
  type PeftConfigInput,
} from './peftConfig.ts';

/** A state that was not written by save_pretrained still carries the adapter's name, `default`. */
const KEY = /^(.+)\.lora_(?:([AB])(?:\.default)?\.weight|(magnitude_vector)(?:\.default)?(?:\.weight)?)$/;
const HEAD = /(^|\.)(lm_head|embed_out)$/;
const EMBEDDING = /\.lora_embedding_[AB](\.default)?$/;
const BIAS = /^(.+?)(?:\.base_layer)?\.bias$/;
/** Causal-mask buffers of older versions of GPT-2 and GPT-NeoX in Python, whose names end like a bias. */
const BUFFER = /\.(attn|attention)\.(bias|masked_bias)$/;

interface Matrix {
  /** [rows, columns]. */
  shape: [number, number];
  data: Float32Array;
}

/** A (r, in) and B (out, r) of one adapted linear layer, and its magnitude (out) with DoRA. */
export interface LoraPair {
  A: Matrix;
  B: Matrix;
  magnitude?: Float32Array;
}

export interface PeftAdapter extends StoredAdapter {
  config: PeftConfig;
  /** By module path, e.g. `model.layers.0.self_attn.q_proj`, in the order of the file. */
  modules: Map<string, LoraPair>;
  /** Trained biases in place of the base's, by tensor name, e.g. `model.layers.0.self_attn.q_proj.bias`. */
  biases: Map<string, Float32Array>;
  /** (classes, C), where the adapter classifies texts. */
  score?: Matrix;
  /** Embedding and head of the base that were saved along, by name below PEFT's prefix. */
  saved: Map<string, NamedTensor>;
}

/**
 * Reads and checks the LoRA adapter in `dir`; weights of any float dtype become float32.
 * Throws GraftError PEFT_NOT_FOUND, PEFT_CONFIG, PEFT_UNSUPPORTED, PEFT_WEIGHTS (unknown key, missing part, rank that
 * does not match, NaN or Inf), GRAFT_INFO, or SAFETENSORS_*.
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
  const parts = { config, ...partsOf(file, config) };
  const stored = storedFrom(file, config.base_model_name_or_path, (base) => {
    const content = contentOn(dir, parts, base);
    checkPromised(file, base, [...parts.modules.keys()]);
    checkSavedBase(file.weightsFile, parts.saved, base);
    return content;
  });
  return Object.assign(stored, parts);
}

function contentOn(
  dir: string,
  { config, modules, biases, score }: Pick<PeftAdapter, 'config' | 'modules' | 'biases' | 'score'>,
  base: Base,
): AdapterContent {
  const layer = layersOf(dir, base);
  const cells = [...modules].map(([path, { A, B, magnitude }]): Cell => {
    const module = layer(path);
    checkSizes(dir, module, [A.shape[1], B.shape[0]], base);
    const parts: Cell['parts'] = {
      lora_A: A,
      lora_B: B,
      ...(magnitude ? { lora_magnitude_vector: { shape: [magnitude.length], data: magnitude } } : {}),
    };
    return { module, scale: moduleScale(config, path), parts };
  });
  if (score && score.shape[1] !== base.spec.hidden)
    throw wrongShape(dir, SCORE, score.shape, [score.shape[0], base.spec.hidden], base);
  return contentOf(settingsOf(config, cells, base.spec), {
    cells,
    biases: checkedBiases(dir, biases, base),
    ...(score ? { score } : {}),
  });
}

/** As far as adapter_config.json tells them. */
function settingsOf(config: PeftConfig, cells: Cell[], spec: ArchitectureSpec): LoraSettings {
  const pattern = (all: number, of: (module: string) => number): Record<string, number> =>
    Object.fromEntries(
      cells.flatMap(({ module }) =>
        of(module.module) === all ? [] : [[`${module.layer}.${module.target}`, of(module.module)] as const],
      ),
    );
  const ranks = pattern(config.r, (module) => moduleRank(config, module));
  const alphas = pattern(config.lora_alpha, (module) => byPattern(config.alpha_pattern, module, config.lora_alpha));
  return {
    type: 'lora',
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    ...targetsOf(cells, spec),
    ...(Object.keys(ranks).length > 0 ? { rankPattern: ranks } : {}),
    ...(Object.keys(alphas).length > 0 ? { alphaPattern: alphas } : {}),
    ...(config.use_rslora ? { rslora: true } : {}),
    ...(config.use_dora ? { dora: true } : {}),
    ...(config.bias === 'none' ? {} : { bias: config.bias }),
    init: config.init_lora_weights === 'gaussian' ? 'gaussian' : 'kaiming',
  };
}

function partsOf(
  { weightsFile, tensors }: AdapterFile,
  config: PeftConfig,
): Pick<PeftAdapter, 'modules' | 'biases' | 'score' | 'saved'> {
  const parts = new Map<string, Partial<Record<string, NamedTensor>>>();
  const biases = new Map<string, Float32Array>();
  const saved = new Map<string, NamedTensor>();
  let score: Matrix | undefined;
  for (const [name, tensor] of tensors) {
    const own = name.startsWith(PEFT_PREFIX) ? name.slice(PEFT_PREFIX.length) : '';
    const [, module, matrix, vector] = KEY.exec(own) ?? [];
    const part = matrix === undefined ? vector : `${matrix}.weight`;
    const bias = config.bias === 'none' ? null : BIAS.exec(own);
    if (module !== undefined && HEAD.test(module))
      throw peftUnsupported(weightsFile, `LoRA on the output head (${name})`, 'an adapter of linear layers alone');
    if (module !== undefined && part !== undefined) parts.set(module, { ...parts.get(module), [part]: tensor });
    else if (own === SCORE && isClassifier(config) && tensor.shape.length === 2)
      score = { shape: tensor.shape as [number, number], data: tensor.data };
    else if (isSavedBase(own)) saved.set(own, tensor);
    else if (EMBEDDING.test(own))
      throw peftUnsupported(weightsFile, `LoRA on the token embedding (${name})`, 'an adapter of linear layers alone');
    else if (config.bias !== 'none' && BUFFER.test(own)) continue;
    else if (bias) biases.set(`${bias[1]}.bias`, tensor.data);
    else throw adapterWeightsError(weightsFile, name, 'is not the lora_A or lora_B of a linear layer');
  }
  if (parts.size === 0) throw adapterWeightsError(weightsFile, 'the file', 'holds no lora_A and lora_B');
  return {
    modules: new Map([...parts].map(([module, found]) => [module, pairOf(weightsFile, module, found, config)])),
    biases,
    saved,
    ...(score ? { score } : {}),
  };
}

function pairOf(
  file: string,
  module: string,
  found: Partial<Record<string, NamedTensor>>,
  config: PeftConfig,
): LoraPair {
  const matrix = (part: 'A' | 'B'): Matrix => {
    const tensor = found[`${part}.weight`];
    if (!tensor) throw adapterWeightsError(file, module, `has no lora_${part}.weight`);
    if (tensor.shape.length !== 2)
      throw adapterWeightsError(
        file,
        module,
        `has lora_${part} of shape [${tensor.shape.join(', ')}] instead of two dimensions`,
      );
    return { shape: tensor.shape as [number, number], data: tensor.data };
  };
  const [A, B] = [matrix('A'), matrix('B')];
  const rank = moduleRank(config, module);
  if (A.shape[0] !== rank || B.shape[1] !== rank) {
    throw adapterWeightsError(
      file,
      module,
      `has lora_A [${A.shape.join(', ')}] and lora_B [${B.shape.join(', ')}], but adapter_config.json says ` +
        `rank ${rank}`,
    );
  }
  const magnitude = found['magnitude_vector'];
  if (Boolean(magnitude) !== config.use_dora)
    throw adapterWeightsError(
      file,
      module,
      magnitude ? 'has a magnitude, but adapter_config.json says use_dora false' : 'has no lora_magnitude_vector',
    );
  if (magnitude && magnitude.data.length !== B.shape[0])
    throw adapterWeightsError(file, module, `has ${magnitude.data.length} magnitudes for ${B.shape[0]} outputs`);
  return { A, B, ...(magnitude ? { magnitude: magnitude.data } : {}) };
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
