/**
 * Everything in Graft that reads a file somebody else may have made: how a valid one is written, which of its files are
 * changed, and what reads it.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Run } from '../../src-main/catalog/runs.ts';
import { runStateStep } from '../../src-main/app/runs/view.ts';
import { readModel } from '../../src-main/app/models/read.ts';
import { openBaseModel, type BaseModel } from '../../src-main/basemodel/baseModel.ts';
import { writeCompanion } from '../../src-main/gguf/companion.ts';
import { exportGguf } from '../../src-main/gguf/exportGguf.ts';
import { ggufTokenizer } from '../../src-main/gguf/tokenizer/toGguf.ts';
import { chatSegments } from '../../src-main/datasets/chat.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { readAdapter } from '../../src-main/methods/fileRegistry.ts';
import { runStateFile } from '../../src-main/runfolder/layout.ts';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { writeSafetensors } from '../../src-main/safetensors/write.ts';
import { openSafetensors } from '../../src-main/safetensors/read.ts';
import { writeTinyModel, TINY_GPT2, TINY_LLAMA } from '../../test-support/fixtures/tinyModel.ts';
import { writeAdapters, type WrittenAdapter } from './adapters.ts';
import { datasetReaders } from './datasets.ts';
import { documentReaders } from './documents.ts';
import { foreignReaders } from './foreign.ts';
import { mergeReaders } from './merges.ts';
import type { Reader } from './reader.ts';
import { torchReaders } from './torch.ts';

const TEMPLATE = `{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content | trim }}
{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;
const CHAT = [
  { role: 'user' as const, content: 'How are you?' },
  { role: 'assistant' as const, content: 'Fine.' },
];
/** Long runs of one letter are what a pattern that goes back over its text fails on. */
const SENTENCE = `The cat sat on 12 mats, didn’t it? ${'a'.repeat(40)}!`;

const model: Reader = {
  name: 'base model',
  async write(dir) {
    await writeTinyModel(dir);
    return { 'config.json': 'json', 'model.safetensors': 'safetensors' };
  },
  read: (dir) => readModel(dir).notes ?? [],
};

const [SHARD, INDEX] = ['model-00001-of-00001.safetensors', 'model.safetensors.index.json'] as const;

const shards: Reader = {
  name: 'base model in shards',
  async write(dir) {
    await writeTinyModel(dir, { config: TINY_GPT2 });
    const whole = path.join(dir, 'model.safetensors');
    const file = openSafetensors(whole);
    const weight_map = Object.fromEntries([...file.tensors.keys()].map((name) => [name, SHARD]));
    file.close();
    fs.renameSync(whole, path.join(dir, SHARD));
    fs.writeFileSync(path.join(dir, INDEX), JSON.stringify({ metadata: { total_size: 1 }, weight_map }));
    return { 'config.json': 'json', [INDEX]: 'json', [SHARD]: 'safetensors' };
  },
  read: (dir) => readModel(dir).notes ?? [],
};
/** Header and blocks, and what is made of the metadata: config.json, tokenizer.json. */
const gguf: Reader = {
  name: 'GGUF base model',
  async write(dir) {
    // Rows of whole blocks.
    const config = { ...TINY_LLAMA, hidden_size: 32, intermediate_size: 64 };
    const base = openBaseModel(await writeTinyModel(path.join(dir, 'hf'), { config }));
    const tokenizerMetadata = ggufTokenizer(base.dir, base.config).metadata;
    await exportGguf({ base, quantise: 'Q8_0', tokenizerMetadata, outFile: path.join(dir, 'model.gguf') });
    base.close();
    fs.rmSync(base.dir, { recursive: true });
    return { 'model.gguf': 'bytes' };
  },
  async read(dir) {
    const companion = path.join(dir, 'companion');
    await writeCompanion(path.join(dir, 'model.gguf'), companion);
    const base = openBaseModel(companion);
    for (const name of base.tensors.keys()) base.readF32(name);
    base.close();
    const { encode, decode } = loadTokenizer(companion);
    decode(encode(SENTENCE));
    return [];
  },
};

const tokenizer: Reader = {
  name: 'tokenizer',
  async write(dir) {
    await writeTinyModel(dir);
    const file = path.join(dir, 'tokenizer.json');
    const json = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
    const split = { type: 'Split', pattern: { Regex: '[a-z]+| ?[0-9]+|.' }, behavior: 'Isolated', invert: false };
    json['pre_tokenizer'] = { type: 'Sequence', pretokenizers: [split, json['pre_tokenizer']] };
    json['normalizer'] = {
      type: 'Sequence',
      normalizers: [{ type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
    };
    json['post_processor'] = { type: 'ByteLevel', trim_offsets: false };
    fs.writeFileSync(file, JSON.stringify(json));
    fs.writeFileSync(path.join(dir, 'special_tokens_map.json'), JSON.stringify({ eos_token: { content: '</s>' } }));
    fs.writeFileSync(path.join(dir, 'generation_config.json'), JSON.stringify({ eos_token_id: [257, 10] }));
    return {
      'tokenizer.json': 'json',
      'tokenizer_config.json': 'json',
      'special_tokens_map.json': 'json',
      'generation_config.json': 'json',
    };
  },
  read(dir) {
    const { encode, decode } = loadTokenizer(dir);
    decode(encode(SENTENCE));
    return [];
  },
};

const template: Reader = {
  name: 'chat template',
  async write(dir) {
    await writeTinyModel(dir);
    fs.writeFileSync(path.join(dir, 'chat_template.jinja'), TEMPLATE);
    return { 'chat_template.jinja': 'text' };
  },
  read(dir) {
    const written = chatSegments(loadTokenizer(dir), { messages: CHAT });
    return 'reason' in written ? [written.reason] : [];
  },
};

/** What a run goes on from, as the main process reads it. */
const runState: Reader = {
  name: 'run state',
  async write(dir) {
    const progress = JSON.stringify({ step: 7, best: null, firstLoss: 2.5 });
    const data = (): Uint8Array => castF32(new Float32Array(8).fill(0.5), 'F32');
    const entries = ['0.q.lora_A', '0.q.lora_A.m'].map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: [2, 4],
      data,
    }));
    await writeSafetensors(runStateFile(dir), entries, { format: '1', progress });
    return { [path.basename(runStateFile(dir))]: 'safetensors' };
  },
  read(dir) {
    runStateStep({ spec: { runDir: dir } } as Run);
    openSafetensors(runStateFile(dir)).close();
    return [];
  },
};

/** An adapter folder per method and format, each beside the base that it fits. */
function adapterReaders(written: WrittenAdapter[]): Reader[] {
  return written.map(({ name, dir: source, baseDir }): Reader => {
    const base: BaseModel = openBaseModel(baseDir);
    return {
      name: `adapter ${name}`,
      async write(dir) {
        fs.cpSync(source, dir, { recursive: true });
        const forms = fs
          .readdirSync(dir)
          .map((file) => [file, file.endsWith('.json') ? 'json' : 'safetensors'] as const);
        return Object.fromEntries(forms);
      },
      read(dir) {
        readAdapter(dir).on(base);
        return [];
      },
    };
  });
}

/** `root`: an empty folder for what some of them read and write beside their own. */
export async function allReaders(root: string): Promise<Reader[]> {
  const adapters = await writeAdapters(root);
  const foreign = foreignReaders(adapters.find(({ name }) => name === 'LoRA')!);
  const merges = await mergeReaders(adapters, path.join(root, 'exports'));
  const datasets = datasetReaders(path.join(root, 'rows'));
  const torch = await torchReaders(root);
  const models = [model, shards, gguf, ...torch, tokenizer, template, runState];
  return [...models, ...datasets, ...documentReaders, ...adapterReaders(adapters), ...foreign, ...merges];
}
