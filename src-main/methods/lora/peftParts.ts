/** The tensors of a LoRA folder of PEFT's by what they are: pairs, biases, whole tensors, rows of single tokens. */
import { adapterWeightsError, type AdapterFile, type NamedTensor } from '../../adapters/files.ts';
import { PEFT_PREFIX } from '../../adapters/peft.ts';
import { isSavedBase } from '../../adapters/savedBase.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import { isClassifier, moduleRank, type PeftConfig } from './peftConfig.ts';

/** A state that was not written by save_pretrained still carries the adapter's name, `default`. */
const KEY =
  /^(.+)\.lora_(?:([AB])(?:\.default)?\.(weight|bias)|(magnitude_vector)(?:\.default)?(?:\.weight)?|embedding_([AB])(?:\.default)?)$/;
const TOKENS = /^(.+?)(?:\.token_adapter)?\.trainable_tokens_delta(?:\.default)?$/;
const SAVED = /^(.+?)(?:\.modules_to_save(?:\.default)?)?\.(weight|bias)$/;
const BIAS = /^(.+?)(?:\.base_layer)?\.bias$/;
/** Causal-mask buffers of older versions of GPT-2 and GPT-NeoX in Python, whose names end like a bias. */
const BUFFER = /\.(attn|attention)\.(bias|masked_bias)$/;

export interface Matrix {
  /** [rows, columns]. */
  shape: [number, number];
  data: Float32Array;
}

/** A (r, in) and B (out, r) of one adapted layer, with DoRA its magnitude (out), and a bias on B (out). */
export interface LoraPair {
  A: Matrix;
  B: Matrix;
  magnitude?: Float32Array;
  bias?: Float32Array;
}

export interface PeftFileParts {
  /** By module path, e.g. `model.layers.0.self_attn.q_proj`, in the order of the file; the output head among them. */
  modules: Map<string, LoraPair>;
  /** Of embeddings, by module path: A (r, V), B (C, r). */
  embeddings: Map<string, LoraPair>;
  /** Trained biases in place of the base's, by tensor name, e.g. `model.layers.0.self_attn.q_proj.bias`. */
  biases: Map<string, Float32Array>;
  /** (classes, C), where the adapter classifies texts. */
  score?: Matrix;
  /** Tensors in place of the base's, by name below PEFT's prefix. */
  saved: Map<string, NamedTensor>;
  /** Rows of single tokens, (ids, C), by module path. */
  tokens: Map<string, NamedTensor>;
}

type Found = Partial<Record<string, NamedTensor>>;

/** Throws GraftError PEFT_WEIGHTS. */
export function partsOf({ weightsFile, tensors }: AdapterFile, config: PeftConfig): PeftFileParts {
  const pairs = new Map<string, Found>();
  const embeddings = new Map<string, Found>();
  const parts: PeftFileParts = {
    modules: new Map(),
    embeddings: new Map(),
    biases: new Map(),
    saved: new Map(),
    tokens: new Map(),
  };
  for (const [name, tensor] of tensors) {
    const own = name.startsWith(PEFT_PREFIX) ? name.slice(PEFT_PREFIX.length) : '';
    const [, module, half, kind, vector, ofEmbedding] = KEY.exec(own) ?? [];
    if (module !== undefined) {
      const into = ofEmbedding === undefined ? pairs : embeddings;
      into.set(module, { ...into.get(module), [vector ?? `${half ?? ofEmbedding}.${kind ?? 'weight'}`]: tensor });
    } else sortWhole(weightsFile, name, own, tensor, config, parts);
  }
  // The magnitude of an embedding is called as that of a layer.
  for (const [module, found] of embeddings) {
    embeddings.set(module, { ...pairs.get(module), ...found });
    pairs.delete(module);
  }
  const pairsOf = (found: Map<string, Found>): Map<string, LoraPair> =>
    new Map([...found].map(([module, one]) => [module, pairOf(weightsFile, module, one, config)]));
  parts.modules = pairsOf(pairs);
  parts.embeddings = pairsOf(embeddings);
  if (pairs.size + embeddings.size > 0) return parts;
  throw adapterWeightsError(weightsFile, 'the file', 'holds no lora_A and lora_B');
}

/** What is no half of a pair. `own`: the name below PEFT's prefix. */
function sortWhole(
  file: string,
  name: string,
  own: string,
  tensor: NamedTensor,
  config: PeftConfig,
  parts: PeftFileParts,
): void {
  const bias = config.bias === 'none' ? null : BIAS.exec(own);
  const [, ofTokens] = TOKENS.exec(own) ?? [];
  const [, saved, part] = SAVED.exec(own) ?? [];
  if (own === SCORE && isClassifier(config) && tensor.shape.length === 2)
    parts.score = { shape: tensor.shape as [number, number], data: tensor.data };
  else if (ofTokens !== undefined && config.trainable_token_indices) parts.tokens.set(ofTokens, tensor);
  else if (isSavedBase(own))
    parts.saved.set(own.replace('.base_layer', '').replace(/\.modules_to_save(\.default)?/, ''), tensor);
  else if (config.bias !== 'none' && BUFFER.test(own)) return;
  else if (bias) parts.biases.set(`${bias[1]}.bias`, tensor.data);
  else if (saved !== undefined && !saved.endsWith('.base_layer') && isListed(saved, config))
    parts.saved.set(`${saved}.${part}`, tensor);
  else throw adapterWeightsError(file, name, 'is not the lora_A or lora_B of a layer');
}

/** Whether modules_to_save names a module, as PEFT compares: by the end of its path. */
export function isListed(module: string, { modules_to_save: listed }: Pick<PeftConfig, 'modules_to_save'>): boolean {
  return (listed ?? []).some((name) => module.endsWith(name));
}

function pairOf(file: string, module: string, found: Found, config: PeftConfig): LoraPair {
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
  const bias = found['B.bias'];
  if (Boolean(bias) !== config.lora_bias || found['A.bias'])
    throw adapterWeightsError(
      file,
      module,
      bias ? 'has a bias on lora_B, but adapter_config.json says lora_bias false' : 'lacks the bias on lora_B',
    );
  if (bias && bias.data.length !== B.shape[0])
    throw adapterWeightsError(file, module, `has ${bias.data.length} biases on lora_B for ${B.shape[0]} outputs`);
  return { A, B, ...(magnitude ? { magnitude: magnitude.data } : {}), ...(bias ? { bias: bias.data } : {}) };
}
