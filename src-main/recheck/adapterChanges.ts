/** Which tensors of a base an adapter's folder changes, and how: PEFT's format and Graft's own, read once more. */
import fs from 'node:fs';
import path from 'node:path';
import { formulaOf, type Change, type Formula, type Part, type Parts } from './formulas.ts';
import { jsonOf } from './plainJson.ts';
import { matrixOf, tensorsOfFile, valuesOf, weightOf, type PlainTensor } from './plainTensors.ts';
import { scalesOf, type Settings } from './scales.ts';

export interface ReadBase {
  /** config.json, parsed. */
  config: Record<string, unknown>;
  tensors: Map<string, PlainTensor>;
}

/** Weights that are stored (in, out): GPT-2's Conv1D. */
export function isTurned({ config }: ReadBase): boolean {
  return config['model_type'] === 'gpt2';
}

const PART =
  /^(.+)\.(lora_[AB]|lora_magnitude_vector|hada_w[12]_[ab]|lokr_w[12](?:_[ab])?|ia3_l|miss_block)(?:\.default)?(?:\.weight)?$/;

/** Causal masks of older GPT-2s and GPT-NeoXs, which PEFT saves along with the biases since their names end alike. */
const MASK = /\.(attn|attention)\.(bias|masked_bias)$/;

/** Changes by tensor name. `scale`: factor beside the adapter's own. Throws an Error about what is not understood. */
export function changesOf(dir: string, scale: number, base: ReadBase): Map<string, Change[]> {
  const tensors = tensorsOfFile(path.join(dir, 'adapter_model.safetensors'));
  const configFile = path.join(dir, 'adapter_config.json');
  const isPeft = fs.existsSync(configFile);
  const scaleOf = scalesOf(isPeft ? (jsonOf(configFile) as Settings) : ownSettings(dir));
  const changes = new Map<string, Change[]>();
  const add = (tensor: string, change: Change): void =>
    void changes.set(tensor, [...(changes.get(tensor) ?? []), change]);
  const cells = new Map<string, Parts>();
  for (const [key, tensor] of tensors) {
    const name = isPeft ? key.replace(/^base_model\.model\./, '') : key;
    const [, place, kind] = PART.exec(name) ?? [];
    if (place !== undefined) cells.set(place, { ...cells.get(place), [kind!]: partOf(tensor) });
    else if (!MASK.test(name)) add(...replacement(name, tensor, base));
  }
  for (const [place, parts] of cells) {
    const { tensor, firstOutput, whole } = isPeft ? peftPlace(place, base) : ownPlace(place, base);
    const { rows, width } = matrixOf(base.tensors.get(tensor)!);
    const [inputs, outputs] = isTurned(base) ? [rows, width] : [width, rows];
    const formula = formulaOf(parts, scale * scaleOf(place, parts), inputs);
    if (!formula) throw new Error(`the parts ${Object.keys(parts).join(', ')} of ${place} are of no known method`);
    const size = whole ? outputs : outputsOf(formula, parts, place);
    const start = firstOutput(size, outputs);
    add(tensor, { ...formula, firstOutput: start, outputs: size });
    const bias = tensor.replace(/weight$/, 'bias');
    const l = parts['ia3_l'];
    if (l?.shape[1] === 1 && base.tensors.has(bias))
      add(bias, {
        firstOutput: start,
        outputs: size,
        replaced: (o, _, weight) => weight(o, 0) * l.values[o]!,
        slack: 0,
      });
  }
  return changes;
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
  return [
    tensorNamed(name.replace('.base_layer.', '.'), base),
    { firstOutput: 0, outputs: Infinity, replaced, slack: 0 },
  ];
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

const HEAD = /(^|\.)(lm_head|embed_out)\.weight$/;
const EMBEDDING = /(^|\.)(embed_tokens|wte|embed_in)\.weight$/;

/** Files of the bare model lack the class's prefix, and adapters made on it do. A source without a head is tied. */
function tensorNamed(name: string, { tensors }: ReadBase): string {
  for (let rest = name; rest.includes('.'); rest = rest.slice(rest.indexOf('.') + 1))
    if (tensors.has(rest)) return rest;
  const [found, ...others] = [...tensors.keys()].filter((key) => key.endsWith(`.${name}`));
  if (found !== undefined && others.length === 0) return found;
  const embedding = [...tensors.keys()].find((key) => EMBEDDING.test(key));
  if (HEAD.test(name) && embedding !== undefined) return embedding;
  throw new Error(`the adapter changes ${name}, which the source does not have`);
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
  const find = (names: string[]): string | undefined =>
    [...tensors.keys()].find((key) =>
      names.some((name) => new RegExp(`(^|\\.)(h|layers)\\.${layer}\\.${name}\\.weight$`).test(key)),
    );
  const own = find(layers);
  if (own !== undefined) return { tensor: own, firstOutput: START, whole: true };
  const within = find(fused);
  if (within !== undefined) return { tensor: within, firstOutput: start, whole: false };
  throw new Error(`the adapter changes ${place}, which the source does not have`);
}
