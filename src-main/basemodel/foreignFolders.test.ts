/** Model folders that mislead, hang or surprise: each is used, named or refused, and none takes time or memory. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, TINY_CONFIG, tinyEntries, values, writeTiny } from '../../test-support/fixtures/folders.ts';
import { readJson } from '../../test-support/goldens/goldens.ts';
import { hasShared, skipNote } from '../../test-support/goldens/shared.ts';
import { castF32, type Dtype } from '../safetensors/dtype.ts';
import type { TensorEntry } from '../safetensors/write.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { openBaseModel } from './baseModel.ts';
import { unknownFields } from './configFields.ts';
import { limitsOf } from './config.ts';
import { describeBaseModel } from './details.ts';

const fails = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string });

function opened(dir: string) {
  const base = openBaseModel(dir);
  base.close();
  return base;
}

const folder = (entries = tinyEntries(), config = TINY_CONFIG): Promise<string> =>
  writeTiny(path.join(temporaryFolder(), 'm'), entries, config);

/** `count` zero bytes per element of any dtype. */
function zeros(name: string, shape: number[], dtype: Dtype, bytesEach: number): TensorEntry {
  return { name, shape, dtype, data: () => new Uint8Array(shape.reduce((a, b) => a * b, 1) * bytesEach) };
}

describe.skipIf(process.platform === 'win32')('only regular files are opened', () => {
  it.each(['config.json', 'model.safetensors'])('%s as FIFO, device, socket and folder', async (name) => {
    const dir = await folder();
    const file = path.join(dir, name);
    const refused = (what: string): void => {
      expect(() => opened(dir)).toThrowError(fails('NOT_A_FILE', `${file} is ${what}, not a file`));
      fs.rmSync(file, { recursive: true });
    };
    fs.rmSync(file);
    execFileSync('mkfifo', [file]);
    refused('a FIFO');
    fs.symlinkSync('/dev/zero', file);
    refused('a device');
    fs.mkdirSync(file);
    refused('a folder');
    const server = net.createServer().listen(file);
    await new Promise((resolve) => server.once('listening', resolve));
    expect(() => opened(dir)).toThrowError(fails('NOT_A_FILE', 'a socket'));
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('sizes and counts', () => {
  it.each([3, 4e6, 2 ** 31, 2 ** 53])('%d layers where the weights hold 2', async (num_hidden_layers) => {
    const dir = await folder();
    fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ ...TINY_CONFIG, num_hidden_layers }));
    expect(() => opened(dir)).toThrowError(/layers/);
  });

  it.each([
    ['config.json', 'config.json is nested more than 200 levels deep'],
    ['model.safetensors', 'its header is nested more than 200 levels deep'],
  ])('%s nested 20,000 deep', async (name, sentence) => {
    const dir = await folder();
    const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(deep.length));
    const bytes = name === 'config.json' ? Buffer.from(deep) : Buffer.concat([length, Buffer.from(deep)]);
    fs.writeFileSync(path.join(dir, name), bytes);
    expect(() => opened(dir)).toThrowError(fails(expect.any(String) as string, sentence));
  });

  it('a config.json of gigabytes is not read', async () => {
    const dir = await folder();
    fs.truncateSync(path.join(dir, 'config.json'), 4 * 2 ** 30);
    expect(() => opened(dir)).toThrowError(fails('FILE_TOO_LARGE', `${4 * 2 ** 30} bytes`));
  });

  it('an index of thousands of shards', async () => {
    const dir = await folder();
    fs.rmSync(path.join(dir, 'model.safetensors'));
    const weight_map = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`t${i}`, `s${i}.safetensors`]));
    fs.writeFileSync(path.join(dir, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
    expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_INDEX', 'lists 5000 shards'));
  });
});

it('tensors and fields that nothing reads are named and left alone', async () => {
  const dir = await folder(
    [
      ...tinyEntries(),
      zeros('train.step', [1], 'I64', 8),
      zeros('model.stat', [3], 'F64', 8),
      zeros('model.layers.2.mlp.up_proj.weight', [12, 8], 'F32', 4),
      zeros('model.layers.0.self_attn.rotary_emb.inv_freq', [2], 'F32', 4),
    ],
    { ...TINY_CONFIG, surprise: 1, nothing: null, architectures: ['LlamaForCausalLM'], transformers_version: '5' },
  );
  const plain = opened(await folder());
  const base = opened(dir);
  expect([...base.tensors.keys()]).toEqual([...plain.tensors.keys()]);
  expect(describeBaseModel(base).notes).toEqual([
    'No layer of the model reads these tensors of its files, so they are left alone: model.stat, train.step, ' +
      'model.layers.2.mlp.up_proj.weight.',
    'Graft does not know these fields of config.json and goes on without them: surprise.',
  ]);
  expect(plain.notes).toEqual([]);
});

const GOLDEN_CONFIGS = ['gpt2', 'llama', 'llama_rope3', 'qwen2', 'qwen3', 'gemma2'].flatMap((model) =>
  ['config.json', 'config.v5.json'].map((file) => `golden/${model}/base/${file}`),
);

it.skipIf(!hasShared('golden')).each(GOLDEN_CONFIGS)(
  `every field of %s, as transformers writes it, is accounted for${skipNote('golden')}`,
  (file) => expect(unknownFields(readJson<ModelConfig>(file))).toEqual([]),
);

describe('quantised folders are refused as such', () => {
  const packed: [string, TensorEntry[]][] = [
    ['bitsandbytes', [zeros('model.layers.0.mlp.up_proj.weight.absmax', [2], 'F32', 4)]],
    ['GPTQ', [zeros('model.layers.0.mlp.up_proj.qweight', [1, 12], 'I32', 4)]],
    ['FP8', [zeros('model.layers.0.mlp.up_proj.weight_scale', [12, 1], 'F32', 4)]],
    ['LLM.int8', [zeros('model.layers.0.mlp.up_proj.SCB', [12], 'F32', 4)]],
  ];
  it.each(packed)('%s by its tensors', async (_, entries) => {
    const dir = await folder([...tinyEntries(), ...entries]);
    expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_QUANTISED', 'download the original model'));
  });

  it('by quantization_config, whatever else is wrong', async () => {
    const dir = await folder([], { ...TINY_CONFIG, quantization_config: { quant_method: 'awq' } });
    expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_QUANTISED', 'config.json names the method awq'));
  });

  it('whole F64 weights are not', async () => {
    const dir = await folder(tinyEntries().map(({ name, shape }) => zeros(name, shape, 'F64', 8)));
    expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_TENSOR_DTYPE', 'torch.float32'));
  });
});

describe('a head beside a tied embedding', () => {
  const head = (change: (data: Float32Array) => void, dtype: 'F32' | 'BF16' = 'F32'): TensorEntry => {
    const data = values(16 * 8, 0);
    change(data);
    return { name: 'lm_head.weight', shape: [16, 8], dtype, data: () => castF32(data, dtype) };
  };

  it('is dropped where it is a copy', async () => {
    const dir = await folder([...tinyEntries(), head(() => undefined)]);
    expect(opened(dir).notes).toEqual([]);
  });

  it.each([
    ['another value in the middle', head((data) => (data[71] = 5))],
    ['rounded to another dtype', head(() => undefined, 'BF16')],
    ['another shape', zeros('lm_head.weight', [15, 8], 'F32', 4)],
    ['no float', zeros('lm_head.weight', [16, 8], 'I64', 8)],
  ])('is refused with %s', async (_, entry) => {
    const dir = await folder([...tinyEntries(), entry]);
    expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_TIED_HEAD', 'set tie_word_embeddings to false'));
  });
});

it('a bias that config.json denies is refused, by the name of the field', async () => {
  const bias = zeros('model.layers.0.self_attn.q_proj.bias', [8], 'F32', 4);
  const dir = await folder([...tinyEntries(), bias], { ...TINY_CONFIG, attention_bias: false });
  expect(() => opened(dir)).toThrowError(fails('CHECKPOINT_CONFIG', 'set attention_bias to true'));
});

it('limitsOf tells where rows are cut and which tokens are known, from config.json alone', async () => {
  const dir = await folder();
  fs.rmSync(path.join(dir, 'model.safetensors'));
  expect(limitsOf(dir)).toEqual({ maxPositions: 32, vocab: 16 });
});
