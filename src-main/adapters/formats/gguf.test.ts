/**
 * LoRA in GGUF, judged by llama.cpp itself: a base with the adapter at run time computes what the merged file computes;
 * and PEFT -> GGUF -> PEFT.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { temporaryFolder, values } from '../../../test-support/fixtures/folders.ts';
import { TINY_GPT2, TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { Random } from '../../../src-shared/random.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { linearModules, type ModelConfig } from '../../engine/model/architecture.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { float32, string, type GgufValue } from '../../gguf/header.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { writeGguf, type GgufTensor } from '../../gguf/write.ts';
import { openRunner } from '../../llamacpp/runtime.ts';
import { taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import {
  readPeftAdapter,
  writePeftAdapter,
  type LoraPair,
  type PeftAdapter,
  type PeftParts,
} from '../../methods/lora/peft.ts';
import { readForeignLora, storedForeign, writeAsPeft } from './foreign.ts';
import { writeGgufLora } from './ggufWrite.ts';

const GEMMA2 = {
  ...TINY_LLAMA,
  model_type: 'gemma2',
  hidden_act: 'gelu_pytorch_tanh',
  head_dim: 6,
  query_pre_attn_scalar: 5,
  sliding_window: 4,
  attn_logit_softcapping: 4,
  final_logit_softcapping: 8,
};
const NEOX = {
  ...TINY_LLAMA,
  model_type: 'gpt_neox',
  hidden_act: 'gelu_new',
  rotary_pct: 0.5,
  tie_word_embeddings: false,
};
const FAMILIES: Record<string, ModelConfig> = {
  'llama with grouped queries': TINY_LLAMA,
  gpt2: TINY_GPT2,
  phi3: { ...TINY_LLAMA, model_type: 'phi3' },
  gpt_neox: NEOX,
  gemma2: GEMMA2,
  qwen3: { ...TINY_LLAMA, model_type: 'qwen3', head_dim: 6 },
};
/** What the runtime's one alpha cannot say by itself. */
const UNEVEN = { use_rslora: true, rank_pattern: { o_proj: 1, dense: 5 }, alpha_pattern: { down_proj: 9, c_attn: 3 } };

/** A random pair for every linear layer of the base. */
async function adapterOn(base: BaseModel, change: Partial<PeftParts['config']> = {}, std = 0.1): Promise<string> {
  const config = {
    r: 4,
    lora_alpha: 6,
    lora_dropout: 0,
    target_modules: 'all-linear' as never,
    fan_in_fan_out: base.spec.layout === 'in_out',
    base_model_name_or_path: 'tiny',
    ...change,
  };
  const modules = new Map<string, LoraPair>();
  for (const { module, slice, inFeatures, outFeatures } of linearModules(base.spec)) {
    if (slice) continue;
    const name = module.slice(module.lastIndexOf('.') + 1);
    const r = config.rank_pattern?.[name] ?? config.r;
    const normal = (part: string, rows: number, columns: number): LoraPair['A'] => ({
      shape: [rows, columns],
      data: Float32Array.from(Random.stream(7, module + part).normal(rows * columns, std)),
    });
    modules.set(module, { A: normal('A', r, inFeatures), B: normal('B', outFeatures, r) });
  }
  const dir = path.join(temporaryFolder(), 'adapter');
  await writePeftAdapter(dir, { config, modules });
  return dir;
}

const IDS = [1, 5, 9, 77, 31, 12, 200, 101, 8, 64, 250, 17];

async function probabilities(file: string, vocab: number, adapter?: string): Promise<Float64Array[]> {
  const runner = await openRunner(file, { vocab, contextLength: 64, adapter });
  const rows: Float64Array[] = [];
  await runner.nextProbabilities(IDS, (_, row) => void rows.push(Float64Array.from(row)));
  await runner.dispose();
  return rows;
}

/** Mean over positions of sum p ln(p/q). */
function divergence(p: Float64Array[], q: Float64Array[]): number {
  const each = p.map((row, t) => row.reduce((sum, x, i) => sum + (x > 0 ? x * Math.log(x / q[t]![i]!) : 0), 0));
  return each.reduce((sum, x) => sum + x, 0) / each.length;
}

/** KL of merged against base + LoRA, and of the base alone against it. */
async function judge(base: BaseModel, adapterDir: string): Promise<{ merged: number; untouched: number }> {
  const root = temporaryFolder();
  const [plain, merged, lora] = ['base.gguf', 'merged.gguf', 'lora.gguf'].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  const { vocab } = base.spec;
  const adapter = readAdapter(adapterDir);
  const source = { base, quantise: 'F32' as const, tokenizerMetadata: tokenizerMetadata(base.dir, base.config) };
  await exportGguf({ ...source, outFile: plain });
  await exportGguf({ ...source, outFile: merged, edit: taskEdits([{ adapter, scale: 1 }], base) });
  await writeGgufLora({ base, content: adapter.on(base), adapterDir, outFile: lora });
  const atRunTime = await probabilities(plain, vocab, lora);
  return {
    merged: divergence(await probabilities(merged, vocab), atRunTime),
    untouched: divergence(await probabilities(plain, vocab), atRunTime),
  };
}

describe.each(Object.entries(FAMILIES))('%s', (_, config) => {
  it('base + LoRA at run time is the merged file, with rsLoRA, ranks and alphas of single matrices', async () => {
    const dir = await writeTinyModel(path.join(temporaryFolder(), 'base'), { config, seed: 5 });
    const base = openBaseModel(dir);
    const { merged, untouched } = await judge(base, await adapterOn(base, UNEVEN, 0.3));
    base.close();
    expect(Math.abs(merged)).toBeLessThan(1e-6);
    expect(untouched).toBeGreaterThan(1e-2);
  });

  it('comes back to the same values', async () => {
    // With another scalar Gemma's queries have a factor, which goes into B and out again.
    const own = config === GEMMA2 ? { ...config, query_pre_attn_scalar: 6 } : config;
    const base = openBaseModel(await writeTinyModel(path.join(temporaryFolder(), 'base'), { config: own }));
    const { first, last } = await roundTrip(base, await adapterOn(base));
    base.close();
    expect([...last.modules].sort()).toEqual([...first.modules].sort());
    expect(last.config).toMatchObject({ r: 4, lora_alpha: 6, fan_in_fan_out: config['model_type'] === 'gpt2' });
  });
});

async function roundTrip(base: BaseModel, adapterDir: string): Promise<Record<'first' | 'last', PeftAdapter>> {
  const [file, dir] = ['lora.gguf', 'last'].map((name) => path.join(temporaryFolder(), name)) as [string, string];
  await writeGgufLora({ base, content: readAdapter(adapterDir).on(base), adapterDir, outFile: file });
  await writeAsPeft(readForeignLora(file)!, base, dir);
  return { first: readPeftAdapter(adapterDir), last: readPeftAdapter(dir) };
}

it.skipIf(!hasShared('data/stories260k'))(
  `stories260K with a LoRA of one alpha at run time is the merged file${skipNote('data/stories260k')}`,
  async () => {
    const base = openBaseModel(sharedPath('data/stories260k'));
    const { merged, untouched } = await judge(base, await adapterOn(base));
    base.close();
    expect(Math.abs(merged)).toBeLessThan(1e-6);
    expect(untouched).toBeGreaterThan(1e-2);
  },
);

async function tiny(): Promise<BaseModel> {
  return openBaseModel(await writeTinyModel(path.join(temporaryFolder(), 'base'), { seed: 5 }));
}

it('ranks and alphas of single matrices come back as the same update', async () => {
  const base = await tiny();
  const { first, last } = await roundTrip(base, await adapterOn(base, UNEVEN));
  const updates = (adapter: PeftAdapter): Map<string, [number, LoraPair]> =>
    new Map(
      adapter.on(base).cells.map(({ module, scale }) => [module.module, [scale, adapter.modules.get(module.module)!]]),
    );
  const after = updates(last);
  for (const [name, [scale, { A, B }]] of updates(first)) {
    const [backScale, back] = after.get(name)!;
    expect(back.A).toEqual(A);
    expectClose(
      back.B.data.map((value) => value * backScale),
      B.data.map((value) => value * scale),
      { rtol: 3e-7, atol: 0 },
    );
  }
  base.close();
});

/** A file as others could have made it. */
async function fileWith(fields: Record<string, GgufValue>, tensors: GgufTensor[]): Promise<string> {
  const file = path.join(temporaryFolder(), 'other.gguf');
  const usual = {
    'general.architecture': string('llama'),
    'general.type': string('adapter'),
    'adapter.type': string('lora'),
    'adapter.lora.alpha': float32(8),
  };
  await writeGguf(file, { metadata: new Map(Object.entries({ ...usual, ...fields })), tensors });
  return file;
}

function tensor(name: string, dims: number[], type: GgufTensor['type'] = 'F32'): GgufTensor {
  return { name, dims, type, pieces: () => [values(dims[0]! * dims[1]!, 3)] };
}

it('reads halves and blocks as well, and a file without alpha as llama.cpp does, at scale 1', async () => {
  const base = await tiny();
  const file = await fileWith({ 'adapter.lora.alpha': float32(0) }, [
    tensor('blk.1.attn_v.weight.lora_a', [16, 2], 'F16'),
    tensor('blk.1.attn_v.weight.lora_b', [2, 8], 'BF16'),
  ]);
  const { cells } = storedForeign(readForeignLora(file)!).on(base);
  base.close();
  expect(cells).toMatchObject([{ scale: 1, module: { module: 'model.layers.1.self_attn.v_proj' } }]);
  expectClose(cells[0]!.parts['lora_A']!.data, values(32, 3), { rtol: 1e-3, atol: 0 });
  expectClose(cells[0]!.parts['lora_B']!.data, values(16, 3), { rtol: 4e-3, atol: 0 });
});

it('refuses what is no LoRA, what belongs to another model, and what it has no place for', async () => {
  const [a, b] = [tensor('blk.0.attn_v.weight.lora_a', [16, 2]), tensor('blk.0.attn_v.weight.lora_b', [2, 8])];
  const reading = async (fields: Record<string, GgufValue>, tensors: GgufTensor[]): Promise<() => unknown> => {
    const file = await fileWith(fields, tensors);
    return () => storedForeign(readForeignLora(file)!).on(base);
  };
  const base = await tiny();
  const file = await fileWith({}, [a, b]);
  expect(await reading({ 'general.type': string('model') }, [a, b])).toThrow(/general.type "model", no adapter/);
  expect(await reading({ 'adapter.type': string('control') }, [a, b])).toThrow(/use a LoRA/);
  expect(await reading({}, [a])).toThrow(/no matching lora_a and lora_b for blk.0.attn_v/);
  expect(await reading({}, [a, b, tensor('blk.0.attn_norm.weight', [4, 4])])).toThrow(/no part of a LoRA/);
  expect(await reading({}, [tensor(b.name, [2, 4]), a])).toThrow(/maps 16 to 4 features at model.layers.0/);
  const ofHead = [tensor('output.weight.lora_a', [16, 2]), tensor('output.weight.lora_b', [2, 258])];
  expect(await reading({}, [a, b, ...ofHead])).toThrow(
    /also adapts output.weight, which is no linear layer of a block/,
  );
  expect(await reading({ 'general.architecture': string('gpt2') }, [a, b])).toThrow(/architecture "gpt2"/);
  expect(() => readAdapter(file)).toThrow(/is a file.*adapters import/);
  expect(() => readForeignLora(file, { alpha: 4 })).toThrow(/says itself what its alpha is/);
  const adapterDir = await adapterOn(base);
  const content = { ...readAdapter(adapterDir).on(base), biases: new Map([['x.bias', values(4, 1)]]) };
  const outFile = path.join(temporaryFolder(), 'lora.gguf');
  await expect(writeGgufLora({ base, content, adapterDir, outFile })).rejects.toMatchObject({ code: 'NOT_PLAIN_LORA' });
  expect(fs.existsSync(outFile)).toBe(false);
  base.close();
});
