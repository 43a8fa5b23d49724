/**
 * A second, plain reader of the GGUF file that a model folder may stand for: one value at a time, by the formulas of
 * ggml's blocks, under the names and in the order of the Hugging Face checkpoint. It shares no code with gguf/.
 */
import fs from 'node:fs';
import path from 'node:path';
import { blockOf, type Block } from './plainBlocks.ts';
import { jsonOf } from './plainJson.ts';
import type { PlainTensor } from './plainTensors.ts';

/** Undefined for a folder of safetensors. */
export function ggufOfFolder(dir: string): string | undefined {
  const pointer = path.join(dir, 'gguf.json');
  return fs.existsSync(pointer) ? String((jsonOf(pointer) as { file: unknown }).file) : undefined;
}

type Config = Record<string, unknown>;

/** All tensors that layers read, by the checkpoint's name. Throws an Error in words about what cannot be read. */
export function tensorsOfGguf(file: string, config: Config): Map<string, PlainTensor> {
  const all = new Map<string, PlainTensor>();
  for (const entry of headerOf(file)) {
    const name = checkpointName(entry.name, config);
    if (name !== undefined) all.set(name, plainTensor(file, entry, name, config));
  }
  return all;
}

interface Entry {
  name: string;
  dims: number[];
  block: Block;
  /** Bytes from the start of the file. */
  start: number;
}

/** Bytes of a value by its type; 8 is a text, 9 a list. */
const SIZES: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const HEADER_BYTES = 64 << 20;

function headerOf(file: string): Entry[] {
  const bytes = readAt(file, 0, Math.min(HEADER_BYTES, fs.statSync(file).size));
  let at = 8;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString('utf8', at, (at += length));
  };
  const skip = (type: number): void => {
    if (type === 8) text();
    else if (type !== 9) at += SIZES[type]!;
    else for (let of = u32(), left = u64(); left > 0; left--) skip(of);
  };
  const [tensors, fields] = [u64(), u64()];
  let alignment = 32;
  for (let i = 0; i < fields; i++) {
    const [key, type] = [text(), u32()];
    if (key === 'general.alignment') alignment = bytes.readUInt32LE(at);
    skip(type);
  }
  const entries = Array.from({ length: tensors }, () => {
    const [name, dimCount] = [text(), u32()];
    const dims = Array.from({ length: dimCount }, u64);
    return { name, dims, block: blockOf(u32()), start: u64() };
  });
  const data = Math.ceil(at / alignment) * alignment;
  return entries.map((entry) => ({ ...entry, start: data + entry.start }));
}

function readAt(file: string, position: number, length: number): Buffer {
  const fd = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const got = fs.readSync(fd, bytes, done, Math.min(length - done, 1 << 30), position + done);
      if (got === 0) throw new Error('the GGUF file ends early');
      done += got;
    }
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}

const LLAMA_LAYER = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_qkv: 'self_attn.qkv_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const GEMMA_LAYER = {
  ...LLAMA_LAYER,
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};
const GPT2_LAYER = {
  attn_norm: 'ln_1',
  attn_qkv: 'attn.c_attn',
  attn_output: 'attn.c_proj',
  ffn_norm: 'ln_2',
  ffn_up: 'mlp.c_fc',
  ffn_down: 'mlp.c_proj',
};
const NEOX_LAYER = {
  attn_norm: 'input_layernorm',
  attn_qkv: 'attention.query_key_value',
  attn_output: 'attention.dense',
  ffn_norm: 'post_attention_layernorm',
  ffn_up: 'mlp.dense_h_to_4h',
  ffn_down: 'mlp.dense_4h_to_h',
};
const LLAMA_TOP = { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' };

interface Names {
  top: Record<string, string>;
  layers: string;
  layer: Record<string, string>;
}

const NAMES: Record<string, Names> = {
  gpt2: {
    top: { token_embd: 'transformer.wte', position_embd: 'transformer.wpe', output_norm: 'transformer.ln_f' },
    layers: 'transformer.h',
    layer: GPT2_LAYER,
  },
  gpt_neox: {
    top: { token_embd: 'gpt_neox.embed_in', output_norm: 'gpt_neox.final_layer_norm', output: 'embed_out' },
    layers: 'gpt_neox.layers',
    layer: NEOX_LAYER,
  },
  gemma2: { top: LLAMA_TOP, layers: 'model.layers', layer: GEMMA_LAYER },
  phi3: { top: LLAMA_TOP, layers: 'model.layers', layer: { ...LLAMA_LAYER, ffn_up: 'mlp.gate_up_proj' } },
};
const LIKE_LLAMA: Names = { top: LLAMA_TOP, layers: 'model.layers', layer: LLAMA_LAYER };

/** Undefined for what is no tensor of the checkpoint: factors of rotary positions, a head that is the embedding. */
function checkpointName(name: string, config: Config): string | undefined {
  const { top, layers, layer } = NAMES[String(config['model_type'])] ?? LIKE_LLAMA;
  const [, number, part = '', kind = ''] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  if (part === 'output' && config['tie_word_embeddings'] === true) return undefined;
  if (number === undefined) return top[part] === undefined ? undefined : `${top[part]}.${kind}`;
  return layer[part] === undefined ? undefined : `${layers}.${number}.${layer[part]}.${kind}`;
}

function plainTensor(file: string, entry: Entry, name: string, config: Config): PlainTensor {
  const { block, dims, start } = entry;
  const turned = config['model_type'] === 'gpt2' && dims.length === 2 && !/\.wt?p?e\./.test(name);
  const byteLength = (dims.reduce((product, n) => product * n, 1) / block.values) * block.bytes;
  return {
    name,
    dtype: block.exact,
    shape: turned ? [...dims] : [...dims].reverse(),
    file,
    start,
    byteLength,
    read: (from, count) => {
      const bytes = wholeTensor(file, start, byteLength);
      const place = placeOf(entry, turned, config);
      const less = config['model_type'] === 'gemma2' && entry.name.endsWith('norm.weight') ? 1 : 0;
      return Float64Array.from({ length: count }, (_, i) => {
        const at = place(from + i);
        const inBlock = at % block.values;
        return block.value(bytes, ((at - inBlock) / block.values) * block.bytes, inBlock) - less;
      });
    },
  };
}

/** The one that was asked for last: rows are asked for one after another. */
let last: { key: string; bytes: Buffer } | undefined;

function wholeTensor(file: string, start: number, length: number): Buffer {
  const key = `${start} ${file}`;
  if (last?.key !== key) last = { key, bytes: readAt(file, start, length) };
  return last.bytes;
}

/** Where the value `i` of the checkpoint's tensor stands in the file's. */
function placeOf({ name, dims }: Entry, turned: boolean, config: Config): (i: number) => number {
  const [width = 1, rows = 1] = dims.length === 1 ? [1, dims[0]] : dims;
  if (turned) return (i) => (i % rows) * width + Math.floor(i / rows);
  const type = config['model_type'];
  const heads = Number(config['num_attention_heads']);
  const headDim = Number(config['head_dim'] ?? Number(config['hidden_size']) / heads);
  const inRow = (i: number, row: number): number => row * width + (i % width);
  if (type === 'llama' && /\.attn_[qk]\./.test(name))
    return (i) => {
      const row = Math.floor(i / width);
      const [head, d] = [Math.floor(row / headDim), row % headDim];
      return inRow(i, head * headDim + (d < headDim / 2 ? 2 * d : 2 * (d - headDim / 2) + 1));
    };
  if (type === 'gpt_neox' && name.includes('.attn_qkv.'))
    return (i) => {
      const row = Math.floor(i / width);
      const [head, part, d] = [Math.floor(row / headDim / 3), Math.floor(row / headDim) % 3, row % headDim];
      return inRow(i, part * heads * headDim + head * headDim + d);
    };
  return (i) => i;
}
