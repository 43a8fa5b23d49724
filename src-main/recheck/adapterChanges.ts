/** Which tensors of a base an adapter's folder changes, and how: PEFT's format and Graft's own, read once more. */
import fs from 'node:fs';
import path from 'node:path';
import { formulaOf, type Change, type Formula, type Part, type Parts, type Weight } from './formulas.ts';
import { jsonOf } from './plainJson.ts';
import { matrixOf, tensorsOfFile, valuesOf, weightOf, type PlainTensor } from './plainTensors.ts';
import { tensorsOfTorchFile } from './plainTorch.ts';
import { scalesOf, type Settings } from './scales.ts';

export interface ReadBase {
  /** config.json, parsed. */
  config: Record<string, unknown>;
  tensors: Map<string, PlainTensor>;
  /** Names of embedding and head, where an adapter takes the two apart. */
  apart?: [embedding: string, head: string];
}

/** Weights that are stored (in, out): GPT-2's Conv1D. */
export function isTurned({ config }: ReadBase): boolean {
  return config['model_type'] === 'gpt2';
}

const PART =
  /^(.+)\.(lora_(?:embedding_)?[AB]|lora_magnitude_vector|hada_w[12]_[ab]|lokr_w[12](?:_[ab])?|ia3_l|miss_block)(?:\.default)?(?:\.weight)?$/;

/** lora_bias: told with its layer. */
const BIAS_OF_B = /\.lora_B(\.default)?\.bias$/;

/** Causal masks of older GPT-2s and GPT-NeoXs, which PEFT saves along with the biases since their names end alike. */
const MASK = /\.(attn|attention)\.(bias|masked_bias)$/;

/** Changes by tensor name. `scale`: factor beside the adapter's own. Throws an Error about what is not understood. */
export function changesOf(dir: string, scale: number, base: ReadBase): Map<string, Change[]> {
  const tensors = weightsOf(dir);
  const configFile = path.join(dir, 'adapter_config.json');
  const isPeft = fs.existsSync(configFile);
  const settings = isPeft ? (jsonOf(configFile) as Settings) : ownSettings(dir);
  const scaleOf = scalesOf(settings);
  const changes = new Map<string, Change[]>();
  const add = (tensor: string, change: Change): void =>
    void changes.set(tensor, [...(changes.get(tensor) ?? []), change]);
  const cells = new Map<string, Parts>();
  // What is loaded into the base's own tensors comes before what is put in their place.
  const early = (key: string): number => Number(writtenIntoBase(key, settings, base) === undefined);
  for (const [key, tensor] of [...tensors].sort(([a], [b]) => early(a) - early(b))) {
    const name = isPeft ? key.replace(/^base_model\.model\./, '') : key;
    const [, place, kind] = PART.exec(name) ?? [];
    if (place !== undefined) cells.set(place, { ...cells.get(place), [kind!]: partOf(tensor) });
    else if (!MASK.test(name) && !BIAS_OF_B.test(name)) {
      const [target, change] = tokenRows(name, tensor, settings, base) ?? replacement(name, tensor, base);
      for (const one of writtenIntoBase(name, settings, base) ?? [target]) add(one, change);
    }
  }
  for (const [place, parts] of cells) {
    if (isKeptTied(place, settings, cells, base)) continue;
    const { tensor, firstOutput, whole } = isPeft ? peftPlace(place, base) : ownPlace(place, base);
    const { rows, width } = matrixOf(base.tensors.get(tensor)!);
    const ofEmbedding = parts['lora_embedding_A'] !== undefined;
    const outputsAreColumns = ofEmbedding || (isTurned(base) && !HEAD.test(tensor));
    const [inputs, outputs] = outputsAreColumns ? [rows, width] : [width, rows];
    const own = ofEmbedding ? embeddingParts(parts) : parts;
    const formula = formulaOf(own, scale * scaleOf(place, own), { inputs, inputsAreRows: outputsAreColumns });
    if (!formula) throw new Error(`the parts ${Object.keys(parts).join(', ')} of ${place} are of no known method`);
    const size = whole ? outputs : outputsOf(formula, parts, place);
    const start = firstOutput(size, outputs);
    const change = { ...formula, firstOutput: start, outputs: size };
    add(tensor, outputsAreColumns === isTurned(base) ? change : turnedOver(change));
    const bias = tensor.replace(/weight$/, 'bias');
    const l = parts['ia3_l'];
    if (l?.shape[1] === 1 && base.tensors.has(bias))
      add(bias, {
        firstOutput: start,
        outputs: size,
        replaced: (o, _, weight) => weight(o, 0) * l.values[o]!,
        slack: 0,
      });
    const ofB = tensors.get(`base_model.model.${place}.lora_B.bias`);
    if (ofB) {
      const added = valuesOf(ofB);
      const factor = scale * scaleOf(place, own);
      add(bias, { firstOutput: 0, outputs: Infinity, added: (o) => factor * added[o]!, slack: 0 });
    }
  }
  return changes;
}

/** What modules_to_save does not name is loaded into the base's own tensor, which embedding and head then share. */
function writtenIntoBase(
  name: string,
  { modules_to_save: saved }: Settings,
  { apart }: ReadBase,
): string[] | undefined {
  const module = name.slice(0, name.lastIndexOf('.'));
  const isListed = ((saved ?? []) as string[]).some((one) => module.endsWith(one));
  return apart && !isListed && /\.(embed_tokens|wte|embed_in)\.(base_layer\.)?weight$/.test(name) ? apart : undefined;
}

/** PEFT's older folders have a file of PyTorch's. */
function weightsOf(dir: string): Map<string, PlainTensor> {
  const file = path.join(dir, 'adapter_model.safetensors');
  return fs.existsSync(file) ? tensorsOfFile(file) : tensorsOfTorchFile(path.join(dir, 'adapter_model.bin'));
}

/** An embedding's A and B under the names that a layer's have. */
function embeddingParts({ lora_embedding_A: A, lora_embedding_B: B, lora_magnitude_vector: m }: Parts): Parts {
  return { lora_A: A!, lora_B: B!, ...(m ? { lora_magnitude_vector: m } : {}) };
}

/** With ensure_weight_tying the head's pair is the embedding's once more. */
function isKeptTied(place: string, settings: Settings, cells: Map<string, Parts>, base: ReadBase): boolean {
  if (settings['ensure_weight_tying'] !== true || !HEAD.test(`${place}.weight`) || !isTied(base)) return false;
  return [...cells.values()].some((parts) => parts['lora_embedding_A'] !== undefined);
}

/** Rows of single tokens, with their ids in the configuration. */
function tokenRows(
  name: string,
  tensor: PlainTensor,
  { trainable_token_indices: ids }: Settings,
  base: ReadBase,
): [string, Change] | undefined {
  const [, module] = /^(.+?)(?:\.token_adapter)?\.trainable_tokens_delta(?:\.default)?$/.exec(name) ?? [];
  if (module === undefined) return undefined;
  const lists = ids as number[] | Record<string, number[]>;
  const own = Array.isArray(lists) ? lists : Object.entries(lists).find(([key]) => module.endsWith(key))![1];
  const [values, width] = [valuesOf(tensor), tensor.shape[1]!];
  const replaced = (o: number, i: number, weight: Weight): number => {
    const row = own.indexOf(o);
    return row < 0 ? weight(o, i) : values[row * width + i]!;
  };
  const change = { firstOutput: 0, outputs: Infinity, replaced, slack: 0 };
  return [tensorNamed(`${module}.weight`, base), isTurned(base) ? turnedOver(change) : change];
}

/** The same change of a whole matrix with output and input exchanged. */
function turnedOver({ added, replaced, slack }: Change): Change {
  return {
    slack,
    firstOutput: 0,
    outputs: Infinity,
    ...(added ? { added: (o: number, i: number) => added(i, o) } : {}),
    ...(replaced ? { replaced: (o: number, i: number, weight: Weight) => replaced(i, o, (p, j) => weight(j, p)) } : {}),
  };
}

/** Of Graft's own format, under PEFT's names. */
function ownSettings(dir: string): Settings {
  const { method } = jsonOf(path.join(dir, 'graft.json')) as { method?: Settings };
  return { r: method?.['rank'], alpha: method?.['alpha'] };
}

function partOf(tensor: PlainTensor): Part {
  return { shape: tensor.shape, values: valuesOf(tensor) };
}

/** Outputs of a part of a fused layer. What scales inputs has none of its own. */
function outputsOf({ outputs }: Formula, parts: Parts, place: string): number {
  if (parts['ia3_l']?.shape[0] === 1) throw new Error(`${place} scales what a part of a layer reads`);
  return outputs;
}

/** A trained bias, or a whole tensor in place of the base's. */
function replacement(name: string, tensor: PlainTensor, base: ReadBase): [string, Change] {
  const replaced = weightOf(tensor, isTurned(base));
  const own = name.replace(/\.(base_layer|modules_to_save(\.default)?)\./, '.');
  return [tensorNamed(own, base), { firstOutput: 0, outputs: Infinity, replaced, slack: 0 }];
}

interface Place {
  tensor: string;
  /** size: outputs of the part; all: of the fused layer. */
  firstOutput: (size: number, all: number) => number;
  /** Whether the layer has no other parts. */
  whole: boolean;
}

function peftPlace(module: string, base: ReadBase): Place {
  return { tensor: tensorNamed(`${module}.weight`, base), firstOutput: () => 0, whole: true };
}

export const HEAD = /(^|\.)(lm_head|embed_out)\.weight$/;
export const EMBEDDING = /(^|\.)(embed_tokens|wte|embed_in)\.weight$/;

const TIED_BY_DEFAULT = ['gpt2', 'gemma', 'gemma2', 'gemma3', 'gemma3_text', 'smollm3'];

/** Whether the head is the embedding, as config.json, or that of a release's text part, says or does not need to. */
export function isTied({ config }: Pick<ReadBase, 'config'>): boolean {
  const text = config['text_config'] as Record<string, unknown> | undefined;
  const said = text?.['tie_word_embeddings'] ?? config['tie_word_embeddings'];
  return (said ?? TIED_BY_DEFAULT.includes(String(config['model_type']))) === true;
}

/**
 * A tied source as the export has it: with a head of its own that begins as the embedding, where an adapter takes the
 * two apart. Undefined where it does not.
 */
export function takenApart(source: ReadBase, exported: Map<string, PlainTensor>, dirs: string[]): ReadBase | undefined {
  const head = [...exported.keys()].find((name) => HEAD.test(name));
  const embedding = [...source.tensors.values()].find(({ name }) => EMBEDDING.test(name));
  const acts = dirs.some((dir) => [...weightsOf(dir).keys()].some((key) => AT_AN_END.test(key)));
  if (head === undefined || !embedding || !isTied(source) || !acts) return undefined;
  const tensors = new Map([...source.tensors, [head, { ...embedding, name: head }]]);
  return { ...source, tensors, apart: [embedding.name, head] };
}

/** Keys of an adapter that acts on embedding or head. */
const AT_AN_END = /\.(embed_tokens|wte|embed_in|lm_head|embed_out)\./;

/** Files of the bare model lack the class's prefix, and adapters made on it do. A source without a head is tied. */
function tensorNamed(name: string, { tensors }: ReadBase): string {
  const text = textKeys(tensors).find((key) => alone(key) === alone(name));
  if (text !== undefined) return text;
  for (let rest = name; rest.includes('.'); rest = rest.slice(rest.indexOf('.') + 1))
    if (tensors.has(rest)) return rest;
  const [found, ...others] = [...tensors.keys()].filter((key) => key.endsWith(`.${name}`));
  if (found !== undefined && others.length === 0) return found;
  const embedding = [...tensors.keys()].find((key) => EMBEDDING.test(key));
  if (HEAD.test(name) && embedding !== undefined) return embedding;
  throw new Error(`the adapter changes ${name}, which the source does not have`);
}

/** Of the text part of a multimodal release; empty for a model of text alone. */
function textKeys(tensors: ReadBase['tensors']): string[] {
  return [...tensors.keys()].filter((key) => /^(model\.)?language_model\./.test(key) || /^lm_head\./.test(key));
}

/** A multimodal release as what llama.cpp runs of it: its text part, with the fields of that. */
export function textPart(base: ReadBase): ReadBase {
  const { model_type: type, text_config: text, ...shared } = base.config;
  if (type !== 'gemma3') return base;
  return {
    config: { ...shared, ...(text as Record<string, unknown>), model_type: 'gemma3_text' },
    tensors: new Map(textKeys(base.tensors).map((key) => [key, base.tensors.get(key)!])),
  };
}

/** The name that it would have in a model of text alone; older and newer releases put the text part elsewhere. */
function alone(name: string): string {
  return name
    .replace(/^language_model\.lm_head\./, 'lm_head.')
    .replace(/^(model\.language_model|language_model\.model|language_model)\./, 'model.');
}

const START = (): number => 0;
const FUSED_QKV = ['attn.c_attn', 'self_attn.qkv_proj', 'attention.query_key_value'];
/** Graft's names of layers, the layers that they may be, and where in a fused one they begin. */
const OWN: Record<string, { layers: string[]; fused?: string[]; start?: Place['firstOutput'] }> = {
  qkv: { layers: FUSED_QKV },
  q: { layers: ['self_attn.q_proj'], fused: FUSED_QKV },
  // Keys and values are of one size, and the values end the layer.
  k: { layers: ['self_attn.k_proj'], fused: FUSED_QKV, start: (size, all) => all - 2 * size },
  v: { layers: ['self_attn.v_proj'], fused: FUSED_QKV, start: (size, all) => all - size },
  o: { layers: ['attn.c_proj', 'self_attn.o_proj', 'attention.dense'] },
  fc: { layers: ['mlp.c_fc', 'mlp.dense_h_to_4h'] },
  proj: { layers: ['mlp.c_proj', 'mlp.dense_4h_to_h'] },
  gate_up: { layers: ['mlp.gate_up_proj'] },
  gate: { layers: ['mlp.gate_proj'], fused: ['mlp.gate_up_proj'] },
  up: { layers: ['mlp.up_proj'], fused: ['mlp.gate_up_proj'], start: (_, all) => all / 2 },
  down: { layers: ['mlp.down_proj'] },
};

/** Of a name such as `3.q`. */
function ownPlace(place: string, { tensors }: ReadBase): Place {
  const [, layer, target = ''] = /^(\d+)\.(\w+)$/.exec(place) ?? [];
  const { layers = [], fused = [], start = START } = OWN[target] ?? {};
  const isRelease = [...tensors.keys()].some((key) => /^(model\.)?language_model\./.test(key));
  const keys = isRelease ? textKeys(tensors) : [...tensors.keys()];
  const find = (names: string[]): string | undefined =>
    keys.find((key) => names.some((name) => new RegExp(`(^|\\.)(h|layers)\\.${layer}\\.${name}\\.weight$`).test(key)));
  const own = find(layers);
  if (own !== undefined) return { tensor: own, firstOutput: START, whole: true };
  const within = find(fused);
  if (within !== undefined) return { tensor: within, firstOutput: start, whole: false };
  throw new Error(`the adapter changes ${place}, which the source does not have`);
}
