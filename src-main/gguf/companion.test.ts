/**
 * GGUF files as base models: every family's weights and logits against PyTorch, quantised ones against what llama.cpp
 * computes from the same file, and training on one that ends in a GGUF which llama.cpp continues as Graft does.
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { largestKl, llamacppGreedy, llamacppProbabilities } from '../../test-support/checks/llamaModel.ts';
import { byteTokenizer } from '../../test-support/fixtures/byteTokenizer.ts';
import { FAMILY_CASES, familyWeights } from '../../test-support/fixtures/families.ts';
import { temporaryFolder, writeTiny } from '../../test-support/fixtures/folders.ts';
import { TINY_LLAMA } from '../../test-support/fixtures/tinyModel.ts';
import { loadModel, readJson, readTensors, type BaseGolden } from '../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import type { Quantisation } from '../../src-shared/exports.ts';
import { hashOf, startInWorker, tinyRun } from '../../test-support/rigs/tinyRun.ts';
import { Random } from '../../src-shared/random.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { rewriteBaseModel } from '../basemodel/rewrite.ts';
import { expectedTensors } from '../basemodel/expectedTensors.ts';
import { bootBackend } from '../engine/backends/backends.ts';
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { mergeTasks, taskEdits } from '../merging/merge.ts';
import { readAdapter } from '../methods/fileRegistry.ts';
import { recheckGguf } from '../recheck/gguf/recheckGguf.ts';
import { recheckExport } from '../recheck/recheck.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { writeCompanion } from './companion.ts';
import { exportGguf, planGguf } from './exportGguf.ts';
import type { GgufMetadata } from './header.ts';
import { openGguf } from './read.ts';
import { ggufTokenizer } from './tokenizer/toGguf.ts';

beforeAll(() => bootBackend('wasm'));

/** The model in `dir` as a GGUF file, and the folder that stands for it. */
async function throughGguf(dir: string, quantise: Quantisation): Promise<{ file: string; companion: string }> {
  const base = openBaseModel(dir);
  const folder = temporaryFolder();
  const file = path.join(folder, 'model.gguf');
  try {
    const tokenizerMetadata: GgufMetadata = byteTokenizer(base.spec.vocab);
    await exportGguf({ base, quantise, tokenizerMetadata, outFile: file });
  } finally {
    base.close();
  }
  const companion = path.join(folder, 'companion');
  await writeCompanion(file, companion);
  return { file, companion };
}

/** Written as a Hugging Face folder, the model is what a second reader finds in the file, value by value. */
async function expectRecheckedExport(companion: string): Promise<void> {
  const base = openBaseModel(companion);
  const outDir = path.join(temporaryFolder(), 'hf');
  await rewriteBaseModel({ base, outDir, edit: () => undefined });
  base.close();
  const reading = recheckExport({ sourceDir: companion, exportDir: outDir, tasks: [], dtype: undefined });
  expect(reading.problems).toEqual([]);
  expect(reading.cast).toBe(base.tensors.size);
  expect(reading.valuesChecked).toBeGreaterThan(1000);
}

async function logitsOf(dir: string, rows: number[][]): Promise<Float32Array> {
  const model = loadModel(dir);
  const logits = tf.tidy(() => model.logits(model.hidden(rows.flat(), rows.length, rows[0]!.length)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  model.dispose();
  return values;
}

/**
 * Every tensor is the same, but for two things of Gemma 2 and 3: norms were rounded with their 1, and queries, or their
 * norm, may hold a part of the scores' factor.
 */
function expectSameTensors(dir: string, companion: string): void {
  const [want, got] = [openBaseModel(dir), openBaseModel(companion)];
  try {
    for (const name of want.tensors.keys()) {
      const [a, b] = [want.readF32(name), got.readF32(name)];
      if (want.spec.normPlusOne && /q_(proj|norm)\.weight$/.test(name)) continue;
      const isShifted = want.spec.normPlusOne && name.endsWith('norm.weight');
      expectClose(b, a, { rtol: 0, atol: isShifted ? 2 ** -23 : 0 }, name);
    }
  } finally {
    want.close();
    got.close();
  }
}

describe.skipIf(!hasShared('golden'))(`PyTorch's models through a GGUF file${skipNote('golden')}`, () => {
  const models = [
    ...['gpt2', 'llama', 'llama_rope3', 'llama_linear', 'llama_yarn', 'qwen2', 'qwen3', 'gemma2'],
    ...['gemma3', 'olmo2', 'granite', 'phi4mini'],
  ];
  it.each(models)('%s', async (name) => {
    const dir = sharedPath(`golden/${name}/base`);
    const { companion } = await throughGguf(dir, 'F32');
    expectSameTensors(dir, companion);
    await expectRecheckedExport(companion);
    const { input_ids: ids, attention_mask: mask } = readJson<BaseGolden>(`golden/${name}/base/golden.json`);
    const want = readTensors(`golden/${name}/base/logits.safetensors`).get('logits')!;
    const whole = mask.findIndex((row) => row.every((one) => one === 1));
    const [, T = 1, V = 1] = want.shape;
    const values = want.values.subarray(whole * T * V, (whole + 1) * T * V);
    expectClose(await logitsOf(companion, [ids[whole]!]), values, { rtol: 1e-3, atol: 1e-4 }, name);
  });
});

describe.each(Object.entries(FAMILY_CASES))('%s, from the published equations', (_, golden) => {
  it('keeps its architecture, weights and logits', async () => {
    const { config, ids, logits } = golden;
    const entries = familyWeights(config).map(({ name, shape, values }) => ({
      name,
      shape,
      dtype: 'F32' as const,
      data: () => castF32(values, 'F32'),
    }));
    const dir = await writeTiny(path.join(temporaryFolder(), 'model'), entries, config);
    const { companion } = await throughGguf(dir, 'F32');
    expectSameTensors(dir, companion);
    await expectRecheckedExport(companion);
    // A file of llama.cpp's says nothing of Mistral's windows: what is within one is the same.
    const window = config['model_type'] === 'mistral' ? (config['sliding_window'] as number) : ids[0]!.length;
    const [row] = ids as [number[]];
    const want = logits.slice(0, window * (config['vocab_size'] as number));
    // Nor does it say which GELU: the exact one is meant, as in Pythia.
    const atol = config['hidden_act'] === 'gelu_new' ? 2e-3 : 1e-4;
    expectClose(await logitsOf(companion, [row.slice(0, window)]), want, { rtol: 1e-3, atol }, 'logits');
  });
});

/** Wide enough for K-quants, whose rows are whole blocks of 256; values of a trained model's size. */
async function wideModel(): Promise<string> {
  const entries = expectedTensors(architectureFromConfig(WIDE), WIDE)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const std = 1 / Math.sqrt(shape.at(-1)!);
      const values = shape.length === 1 ? new Float32Array(count).fill(1) : Random.stream(5, name).normal(count, std);
      return { name, shape, dtype: 'F32' as const, data: () => castF32(values, 'F32') };
    });
  return writeTiny(path.join(temporaryFolder(), 'wide'), entries, WIDE);
}

const WIDE: ModelConfig = {
  ...TINY_LLAMA,
  hidden_size: 256,
  intermediate_size: 512,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

describe('quantised files', () => {
  const ids = Array.from({ length: 24 }, (_, i) => (i * 37 + 11) % 250);

  // llama.cpp multiplies quantised matrices with quantised activations; the types themselves are exact (dequantise/).
  it.each<[Quantisation, number, number?]>([
    ['F16', 1e-5],
    ['Q8_0', 1e-3],
    ['Q4_0', 2e-3, 0.05],
    ['Q4_K_M', 2e-3, 0.02],
    ['Q6_K', 2e-3, 0.003],
  ])('%s: the logits are those of llama.cpp on the same file', async (quantise, bound, lost = 0) => {
    const dir = await wideModel();
    const { file, companion } = await throughGguf(dir, quantise);
    const vocab = architectureFromConfig(WIDE).vocab;
    const theirs = await llamacppProbabilities(file, ids, vocab);
    expect(largestKl(await logitsOf(companion, [ids]), theirs, vocab)).toBeLessThan(bound);
    // What the file has lost is more than that.
    expect(largestKl(await logitsOf(dir, [ids]), theirs, vocab)).toBeGreaterThan(lost);
    await expectRecheckedExport(companion);
  });
});

describe('training', () => {
  it('a LoRA on a Q8_0 file becomes a GGUF that llama.cpp continues as Graft does', async () => {
    // Rows of whole blocks.
    const config = { ...TINY_LLAMA, hidden_size: 64, intermediate_size: 96 };
    const spec = await tinyRun({ train: { steps: 3, lr: 0.1 }, config });
    const { companion } = await throughGguf(spec.model.dir, 'Q8_0');
    const { call } = startInWorker({ ...spec, model: { dir: companion, hash: hashOf(companion) } });
    await call.promise;
    const adapter = readAdapter(spec.outDir);
    expect(readJsonOf(path.join(spec.outDir, 'adapter_config.json'))['base_model_name_or_path']).toMatch(
      /model\.gguf$/,
    );
    const base = openBaseModel(companion);
    const merged = path.join(temporaryFolder(), 'merged');
    const outFile = path.join(temporaryFolder(), 'merged.gguf');
    const tasks = [{ adapter, scale: 1 }];
    await mergeTasks({ base, tasks, outDir: merged });
    const terms = [{ adapterDir: spec.outDir, scale: 1 }];
    const reading = recheckExport({ sourceDir: companion, exportDir: merged, tasks: terms, dtype: undefined });
    expect(reading).toMatchObject({ problems: [], changed: 14 });
    const tokenizerMetadata = ggufTokenizer(companion, base.config).metadata;
    await exportGguf({ base, edit: taskEdits(tasks, base), quantise: 'F32', tokenizerMetadata, outFile });
    const [lost, kept] = (['Q8_0', 'F16'] as const).map((quantise) => planGguf({ base, quantise, tokenizerMetadata }));
    expect(lost?.notes).toContainEqual(expect.stringContaining('The base is Q8_0 already'));
    expect(kept?.notes).toEqual([]);
    base.close();
    const second = await recheckGguf({ file: outFile, sourceDir: companion, tasks: terms });
    expect(second.problems).toEqual([]);
    const prompt = [5, 9, 100, 33];
    const want = await greedy(merged, prompt, 12);
    expect(await llamacppGreedy(outFile, prompt, 12)).toEqual(want);
    expect(want).not.toEqual(await greedy(companion, prompt, 12));
    const [own, source] = [outFile, path.join(path.dirname(companion), 'model.gguf')].map(tokenizerFields);
    expect(own).toEqual(source);
  });
});

function readJsonOf(file: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** What Graft's engine takes for the likeliest tokens, one after another. */
async function greedy(dir: string, prompt: number[], count: number): Promise<number[]> {
  const ids = [...prompt];
  const { vocab } = architectureFromConfig(readJsonOf(path.join(dir, 'config.json')));
  while (ids.length < prompt.length + count) {
    const last = (await logitsOf(dir, [ids])).subarray(-vocab);
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

function tokenizerFields(file: string): unknown {
  const gguf = openGguf(file);
  gguf.close();
  const keys = gguf.fields.keys().filter((key) => key.startsWith('tokenizer.'));
  return keys.map((key) => [key, gguf.fields.value(key)]);
}
