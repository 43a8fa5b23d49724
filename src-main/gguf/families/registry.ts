/**
 * How Graft's families look in a GGUF file: names, layouts and metadata as llama.cpp's converter (conversion/*.py)
 * writes them. Both directions read the same tables: the export, and a GGUF that is a base model.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { familyRules, type ArchitectureSpec, type Family, type ModelConfig } from '../../engine/model/architecture.ts';
import { tokenEmbeddingName } from '../../engine/model/tensorNames.ts';
import { float32, string, uint32, type GgufMetadata, type GgufValue } from '../header.ts';
import type { Change, Constant, GgufFamily } from './family.ts';
import { gemma2Gguf } from './gemma2.ts';
import { gemma3Gguf } from './gemma3.ts';
import { gpt2Gguf } from './gpt2.ts';
import { gptNeoxGguf } from './gptNeox.ts';
import { graniteGguf } from './granite.ts';
import { llamaGguf, qwen2Gguf, qwen3Gguf } from './llama.ts';
import { olmo2Gguf } from './olmo2.ts';
import { phi3Gguf } from './phi3.ts';
import { scalingMetadata } from './ropeScaling.ts';
import { smollm3Gguf } from './smollm3.ts';

export const GGUF_FAMILIES: Record<Family, GgufFamily> = {
  gpt2: gpt2Gguf,
  llama: llamaGguf,
  mistral: llamaGguf,
  qwen2: qwen2Gguf,
  qwen3: qwen3Gguf,
  gemma2: gemma2Gguf,
  gemma3_text: gemma3Gguf,
  olmo2: olmo2Gguf,
  smollm3: smollm3Gguf,
  granite: graniteGguf,
  phi3: phi3Gguf,
  gpt_neox: gptNeoxGguf,
};

/** A tensor in both worlds. */
export interface MappedTensor {
  /** Name with the prefix of the ArchitectureSpec. */
  hf: string;
  /** (out, in) or as the checkpoint has it. */
  shape: number[];
  /** May be absent from the checkpoint and the file. */
  optional: boolean;
  gguf: string;
  /** In ggml's order: the length of a row first. */
  dims: number[];
  /** Undefined: the values are the same. */
  change?: Change;
  /** A second copy of a tensor that is listed already. */
  copy?: true;
}

/** Every tensor that model and file share; those of the file alone are `ggufConstants`. */
export function mappedTensors(spec: ArchitectureSpec, config: ModelConfig): MappedTensor[] {
  const { change, untiedHeadOnly } = GGUF_FAMILIES[spec.family];
  const tensors = expectedTensors(spec, config).map(({ name, shape, optional }): MappedTensor => {
    const gguf = ggufName(spec, name);
    const changed = change?.(gguf.replace(/^blk\.\d+\./, ''), spec);
    // Embeddings are rows of tokens or positions in both.
    const own = /^(token|position)_embd\./.test(gguf) ? undefined : changed;
    const dims = own?.type === 'transposed' ? [...shape] : shape.toReversed();
    return { hf: name, shape, optional, gguf, dims, ...(own ? { change: own } : {}) };
  });
  const embedding = tensors.find(({ hf }) => hf === tokenEmbeddingName(spec))!;
  if (untiedHeadOnly && spec.tiedHead) tensors.push({ ...embedding, gguf: 'output.weight', copy: true });
  return tensors;
}

/** Tensors of the file that no tensor of the checkpoint gives; `has` says which optional ones the checkpoint has. */
export function ggufConstants(
  spec: ArchitectureSpec,
  mapped: MappedTensor[],
  has: (hf: string) => boolean,
): Constant[] {
  const { constants, biasesNeeded = [] } = GGUF_FAMILIES[spec.family];
  const needed = new Set(biasesNeeded.map((name) => `${name}.bias`));
  const zeros = mapped
    .filter(({ hf, gguf, optional }) => optional && !has(hf) && needed.has(gguf.replace(/^blk\.\d+\./, '')))
    .map(({ gguf, dims: [length = 0] }) => ({ gguf, values: new Float32Array(length) }));
  return [...(constants?.(spec) ?? []), ...zeros];
}

/** `model.layers.3.self_attn.q_proj.weight` -> `blk.3.attn_q.weight`. */
function ggufName(spec: ArchitectureSpec, hf: string): string {
  const { top, block } = GGUF_FAMILIES[spec.family];
  const own = hf.startsWith(spec.prefix) ? hf.slice(spec.prefix.length) : hf;
  const [, path = '', suffix = ''] = /^(.*)\.(weight|bias)$/.exec(own) ?? [];
  const blocks = `${familyRules(spec.family).names.blocks}.`;
  if (!path.startsWith(blocks)) return `${known(top, path, hf)}.${suffix}`;
  const [layer = '', ...rest] = path.slice(blocks.length).split('.');
  return `blk.${layer}.${known(block, rest.join('.'), hf)}.${suffix}`;
}

function known(names: Record<string, string>, path: string, hf: string): string {
  const name = names[path];
  if (name === undefined) throw new Error(`no name in GGUF for ${hf}`);
  return name;
}

/** Throws GraftError GGUF_NO_FAMILY for a model that llama.cpp cannot run as it is meant. */
export function refuseUnknownToLlamacpp(spec: ArchitectureSpec, config: ModelConfig): void {
  const why = GGUF_FAMILIES[spec.family].refusal?.(spec, config);
  if (why === undefined) return;
  throw new GraftError(
    'GGUF_NO_FAMILY',
    `llama.cpp ${why}, so a GGUF file of this model would answer differently; export it as a Hugging Face folder.`,
    { family: spec.family },
  );
}

/** Keys about the architecture, in the converter's words. `name`: of the model. */
export function architectureMetadata(spec: ArchitectureSpec, config: ModelConfig, name: string): GgufMetadata {
  const { architecture, metadata } = GGUF_FAMILIES[spec.family];
  const own = { ...commonMetadata(spec), ...metadata?.(spec, config) };
  return new Map([
    ['general.architecture', string(architecture)],
    ['general.type', string('model')],
    ['general.name', string(name)],
    ...Object.entries(own).map(([key, value]): [string, GgufValue] => [`${architecture}.${key}`, value]),
  ]);
}

function commonMetadata(spec: ArchitectureSpec): Record<string, GgufValue> {
  const norm = spec.norm === 'rms' ? 'layer_norm_rms_epsilon' : 'layer_norm_epsilon';
  return {
    block_count: uint32(spec.layers),
    context_length: uint32(spec.maxPositions),
    embedding_length: uint32(spec.hidden),
    feed_forward_length: uint32(spec.intermediate),
    'attention.head_count': uint32(spec.heads),
    'attention.head_count_kv': uint32(spec.kvHeads),
    [`attention.${norm}`]: float32(spec.normEps),
    'attention.key_length': uint32(spec.headDim),
    'attention.value_length': uint32(spec.headDim),
    ...(spec.positions === 'rotary'
      ? {
          'rope.freq_base': float32(spec.ropeTheta),
          'rope.dimension_count': uint32(spec.rotaryDim ?? spec.headDim),
          ...scalingMetadata(spec),
        }
      : {}),
    vocab_size: uint32(spec.vocab),
  };
}
