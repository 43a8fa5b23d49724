/** What llama.cpp computes from the exported files, against PyTorch: base models, and adapters merged into them. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Quantisation } from '../../src-shared/exports.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import { mergeBasis, taskEdits } from '../merging/merge.ts';
import { readAdapter } from '../methods/fileRegistry.ts';
import { largestKl, llamacppGreedy, llamacppProbabilities } from '../../test-support/checks/llamaModel.ts';
import { byteTokenizer } from '../../test-support/fixtures/byteTokenizer.ts';
import { FAMILY_CASES, familyWeights } from '../../test-support/fixtures/families.ts';
import { temporaryFolder, writeTiny } from '../../test-support/fixtures/folders.ts';
import { peftTable, writeTableAdapter, writeTableBase } from '../../test-support/fixtures/peftTable.ts';
import { array64 } from '../../test-support/reference/array.ts';
import { referenceLoss } from '../../test-support/reference/decoder.ts';
import { readJson, readTensors, type BaseGolden } from '../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { refuseUnknownToLlamacpp } from './families/registry.ts';
import { tokenizerMetadata } from './tokenizer/toGguf.ts';
import { exportGguf, type GgufPlan } from './exportGguf.ts';

/** Exports the model in `dir`, with the adapter merged into it, and returns file and plan. */
async function exported(
  dir: string,
  quantise: Quantisation,
  { adapter, tokenizer }: { adapter?: string; tokenizer?: typeof tokenizerMetadata } = {},
): Promise<{ file: string; vocab: number; plan: GgufPlan }> {
  const base = openBaseModel(dir);
  try {
    const outFile = path.join(temporaryFolder(), 'model.gguf');
    const edit = adapter === undefined ? undefined : taskEdits([{ adapter: readAdapter(adapter), scale: 1 }], base);
    const tokens = tokenizer?.(dir, base.config) ?? byteTokenizer(base.spec.vocab);
    const { plan, sizeBytes } = await exportGguf({ base, edit, quantise, tokenizerMetadata: tokens, outFile });
    expect(fs.statSync(outFile).size).toBe(sizeBytes);
    expect(plan.sizeBytes).toBe(sizeBytes);
    return { file: outFile, vocab: base.spec.vocab, plan };
  } finally {
    base.close();
  }
}

/** Largest KL of the rows of `logits` at the first `ids.length` positions. */
async function klOf(file: string, ids: number[], vocab: number, logits: ArrayLike<number>): Promise<number> {
  return largestKl(logits, await llamacppProbabilities(file, ids, vocab), vocab);
}

describe.skipIf(!hasShared('golden'))(`goldens of PyTorch and PEFT in llama.cpp${skipNote('golden')}`, () => {
  const models = ['gpt2', 'llama', 'llama_rope3', 'qwen2', 'qwen3', 'gemma2', 'gemma3', 'olmo2', 'granite'];
  const golden = (model: string): BaseGolden => readJson(`golden/${model}/base/golden.json`);

  it.each(models)('%s: the base generates the same tokens', async (model) => {
    const { prompt, new_tokens: tokens } = golden(model).generation.greedy;
    const { file } = await exported(sharedPath(`golden/${model}/base`), 'F32');
    expect(await llamacppGreedy(file, prompt, tokens.length)).toEqual(tokens);
  });

  it.each(models)('%s: base and merged adapter have the logits of PEFT’s merge', async (model) => {
    const [ids] = golden(model).input_ids as [number[]];
    const want = readTensors(`golden/${model}/lora_all/logits.safetensors`).get('logits_merged')!.values;
    const kl = async (quantise: Quantisation): Promise<number> => {
      const { file, vocab } = await exported(sharedPath(`golden/${model}/base`), quantise, {
        adapter: sharedPath(`golden/${model}/lora_all/final`),
      });
      return klOf(file, ids, vocab, want);
    };
    const [f32, f16, q8] = [await kl('F32'), await kl('F16'), await kl('Q8_0')];
    expect(f32).toBeLessThan(1e-5);
    expect(f16).toBeLessThan(1e-4);
    expect(q8).toBeLessThan(0.05);
  });

  // llama.cpp's context is never shorter than 256 tokens here, so that the long factors of Phi-4-mini are at work.
  it.each(['llama_linear', 'llama_yarn', 'phi4mini'])('%s: positions stretched to 48 tokens', async (model) => {
    const { long } = readJson<{ long: { input_ids: number[][] } }>(`golden/${model}/base/golden.json`);
    const want = readTensors(`golden/${model}/base/logits.safetensors`).get('logits_long')!.values;
    const { file, vocab } = await exported(sharedPath(`golden/${model}/base`), 'F32');
    expect(await klOf(file, long.input_ids[0]!, vocab, want)).toBeLessThan(1e-5);
  });

  // Updates that read whole rows or columns, where the file has rows in another order or the matrix turned.
  it.each(['llama/dora_randB', 'gpt2/dora_randB', 'llama/miss_bat', 'llama/miss_r6', 'gpt2/ia3', 'qwen2/ia3'])(
    '%s: merged as PEFT merges it',
    async (adapterCase) => {
      const [model = ''] = adapterCase.split('/');
      const want = readTensors(`golden/${adapterCase}/logits.safetensors`).get('logits_merged')!.values;
      const adapter = sharedPath(`golden/${adapterCase}/final`);
      const { file, vocab } = await exported(sharedPath(`golden/${model}/base`), 'F32', { adapter });
      expect(await klOf(file, golden(model).input_ids[0]!, vocab, want)).toBeLessThan(1e-5);
    },
  );
});

describe('adapters with an embedding or head of their own, where the two are one in the base', () => {
  const { bases, cases, ids } = peftTable();

  it.each(['LoRA on both, tied', 'embedding saved, tied', 'GPT-2 by its embedding'])('%s: as PEFT', async (name) => {
    const dir = temporaryFolder();
    const one = cases.find((other) => other.name === name)!;
    const base = openBaseModel(await writeTableBase(path.join(dir, 'base'), bases[one.base]!));
    const tasks = [{ adapter: readAdapter(await writeTableAdapter(path.join(dir, 'adapter'), one)), scale: 1 }];
    const outFile = path.join(dir, 'model.gguf');
    const { vocab } = base.spec;
    const source = {
      base: mergeBasis(tasks, base),
      edit: taskEdits(tasks, base),
      tokenizerMetadata: byteTokenizer(vocab),
    };
    await exportGguf({ ...source, quantise: 'F32', outFile });
    base.close();
    const got = await llamacppProbabilities(outFile, ids, vocab);
    expect(largestKl(one.logits.flat(), got.slice(-2 * vocab), vocab)).toBeLessThan(1e-5);
  });
});

/** A checkpoint with the weights of families.json. */
async function writeFamily(config: ModelConfig): Promise<string> {
  const entries = familyWeights(config).map(({ name, shape, values }) => ({
    name,
    shape,
    dtype: 'F32' as const,
    data: () => castF32(values, 'F32'),
  }));
  return writeTiny(path.join(temporaryFolder(), 'model'), entries, config);
}

describe.each(Object.entries(FAMILY_CASES))('%s against the published equations', (_, golden) => {
  it('has the logits of PyTorch in llama.cpp', async () => {
    const { config, ids, logits } = golden;
    const dir = await writeFamily(config);
    const { file, vocab, plan } = await exported(dir, 'F32');
    // llama.cpp has no windows here: what is within the window is the same, and the plan says so.
    const window = config['sliding_window'] as number | null | undefined;
    const exactGelu = config['hidden_act'] === 'gelu';
    expect(plan.notes).toHaveLength(window || exactGelu ? 1 : 0);
    const kl = await klOf(file, ids[0]!.slice(0, window ?? undefined), vocab, logits);
    expect(kl).toBeLessThan(exactGelu ? 1e-4 : 1e-5);
  });
});

describe.skipIf(!hasShared('data/stories260k'))(
  `a pretrained model in llama.cpp${skipNote('data/stories260k')}`,
  () => {
    const dir = sharedPath('data/stories260k');

    it('writes the 256 published greedy tokens from BOS', async () => {
      const { ids_bos_first: ids } = readJson<{ ids_bos_first: number[] }>('data/stories260k/reference_float64.json');
      const { file } = await exported(dir, 'F32', { tokenizer: tokenizerMetadata });
      expect(await llamacppGreedy(file, ids.slice(0, 1), 256)).toEqual(ids.slice(1));
    });

    it('keeps its first words as Q4_K_M, whose rows of 64 become other types, which the plan says', async () => {
      const { file, plan } = await exported(dir, 'Q4_K_M', { tokenizer: tokenizerMetadata });
      expect(plan.notes.join(' ')).toContain('more become Q5_0, because rows of 64 values are no multiple of Q4_K’s');
      const text = loadTokenizer(dir).decode(await llamacppGreedy(file, [1], 12));
      expect(text).toMatch(/^Once upon a time, there was a/);
    });
  },
);

it('Llama with a bias on every layer, which no golden has: the loss of the float64 reference', async () => {
  const config = { ...FAMILY_CASES['mistral']!.config, model_type: 'llama', attention_bias: true, mlp_bias: true };
  const { file, vocab } = await exported(await writeFamily(config), 'F32');
  const ids = FAMILY_CASES['mistral']!.ids[0]!;
  const weights = familyWeights(config).map(
    ({ name, shape, values }) => [name, array64(shape, Float64Array.from(values))] as const,
  );
  const rows = [{ ids, labels: [-100, ...ids.slice(1)] }];
  const want = referenceLoss(architectureFromConfig(config), { weights: new Map(weights) }, rows);
  const found = await llamacppProbabilities(file, ids, vocab);
  const loss = ids.slice(1).reduce((sum, id, t) => sum - Math.log(found[t * vocab + id]!), 0) / (ids.length - 1);
  expect(loss).toBeCloseTo(want, 3);
});

describe('what llama.cpp cannot run as it is meant', () => {
  const refused = (config: ModelConfig): void => refuseUnknownToLlamacpp(architectureFromConfig(config), config);
  const sizes = {
    hidden_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 4,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    vocab_size: 16,
    max_position_embeddings: 64,
  };

  it('Gemma 2 with windows in other layers', () => {
    const types = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
    const config = { model_type: 'gemma2', ...sizes, sliding_window: 8 };
    expect(() => refused(config)).not.toThrow();
    expect(() => refused({ ...config, layer_types: types })).toThrow(
      'llama.cpp takes every other layer of Gemma 2, from the first on, for one with a sliding window, so a GGUF',
    );
  });

  it('Gemma 2 with a head of its own', () => {
    const config = { model_type: 'gemma2', ...sizes, tie_word_embeddings: false };
    expect(() => refused(config)).toThrow('llama.cpp knows no Gemma 2 with a head of its own, so a GGUF');
  });

  it('biases that it would not read', () => {
    for (const type of ['qwen3', 'gemma2'])
      expect(() => refused({ model_type: type, ...sizes, attention_bias: true }), type).toThrow(
        'no bias on the output',
      );
  });

  it('scaled rotary positions where it does not scale them', () => {
    const scaling = { rope_type: 'llama3', factor: 8, original_max_position_embeddings: 16 };
    for (const type of ['qwen2', 'qwen3', 'gemma2', 'gemma3_text', 'olmo2', 'smollm3', 'phi3', 'gpt_neox'])
      expect(() => refused({ model_type: type, ...sizes, rope_scaling: scaling }), type).toThrow('rotary positions');
    for (const type of ['llama', 'granite'])
      expect(() => refused({ model_type: type, ...sizes, rope_scaling: scaling }), type).not.toThrow();
    for (const rope_type of ['dynamic', 'longrope'])
      expect(
        () =>
          refused({
            ...{ model_type: 'llama', ...sizes },
            rope_scaling: { rope_type, factor: 1, short_factor: Array(8).fill(1), long_factor: Array(8).fill(1) },
          }),
        rope_type,
      ).toThrow(`llama.cpp does not stretch the rotary positions of Llama by ${rope_type}, so a GGUF`);
    const yarn = { rope_type: 'yarn', factor: 4, beta_fast: 8 };
    expect(() => refused({ model_type: 'llama', ...sizes, rope_scaling: yarn })).toThrow('the usual parameters only');
  });

  it('layers of SmolLM3 and Gemma 3 in another order than it has them', () => {
    expect(() => refused({ model_type: 'smollm3', ...sizes })).not.toThrow();
    expect(() => refused({ model_type: 'smollm3', ...sizes, no_rope_layers: [1, 0, 1, 0] })).toThrow(
      'llama.cpp takes every fourth layer of SmolLM3 for one without positions, so a GGUF',
    );
    const types = ['full_attention', 'sliding_attention', 'sliding_attention', 'full_attention'];
    expect(() => refused({ model_type: 'gemma3_text', ...sizes })).not.toThrow();
    expect(() => refused({ model_type: 'gemma3_text', ...sizes, layer_types: types })).toThrow('a fixed pattern only');
  });
});
