/** mlx-lm adapters: read to what NumPy computes with mlx's formulas, and PEFT -> mlx -> PEFT. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import mlxCases from '../../../test-support/fixtures/mlx.json' with { type: 'json' };
import { pair, temporaryFolder, tinyEntries, values, writeTiny } from '../../../test-support/fixtures/folders.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { readTensors } from '../../../test-support/checks/plainLora.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { mergeAdapter } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { readPeftAdapter, writePeftAdapter, type PeftParts } from '../../methods/lora/peft.ts';
import { castF32 } from '../../safetensors/dtype.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { contentOf } from '../content.ts';
import { readForeignLora, storedForeign, writeAsPeft } from './foreign.ts';
import { writeMlxAdapter } from './mlxWrite.ts';

const LORA: LoraSettings = { type: 'lora', rank: 2, alpha: 4, dropout: 0, init: 'kaiming' };
const LAYER = 'model.layers.0.self_attn.q_proj';
const DOWN = 'model.layers.1.mlp.down_proj';

/** As writeTiny, with the weights that a case names. */
async function tinyWith(weights: Record<string, number[]>): Promise<string> {
  const entries = tinyEntries().map((entry) => {
    const own = weights[entry.name.replace(/\.weight$/, '')];
    return own ? { ...entry, data: () => castF32(Float32Array.from(own), 'F32') } : entry;
  });
  return writeTiny(path.join(temporaryFolder(), 'base'), entries);
}

it.each(['lora', 'dora'] as const)('reads a %s of mlx-lm to what its formula gives in NumPy', async (kind) => {
  const { config, x, weights, outputs, file } = mlxCases[kind];
  const [base, dir, peft, merged] = ['base', 'mlx', 'peft', 'merged'].map((name) =>
    path.join(temporaryFolder(), name),
  ) as [string, string, string, string];
  fs.mkdirSync(dir);
  fs.writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify(config));
  fs.writeFileSync(path.join(dir, 'adapters.safetensors'), Buffer.from(file, 'base64'));
  fs.renameSync(await tinyWith(weights), base);
  const model = openBaseModel(base);
  await writeAsPeft(readForeignLora(dir)!, model, peft);
  const adapter = readAdapter(peft);
  expect(adapter.on(model).settings).toMatchObject({ rank: 3, alpha: 7.5, targets: ['q'] });
  expect(adapter.sha256).not.toBe('');
  await mergeAdapter({ base: model, adapter, outDir: merged });
  model.close();
  const tensors = readTensors(path.join(merged, 'model.safetensors'));
  for (const [name, want] of Object.entries(outputs)) {
    const rows = tensors.get(`${name}.weight`)!.values;
    const got = want.map((_, o) => x.reduce((sum, value, i) => sum + value * rows[o * 8 + i]!, 0));
    expectClose(got, want, { rtol: 1e-5, atol: 1e-5 });
  }
});

interface Case {
  config?: Partial<PeftParts['config']>;
  modules: PeftParts['modules'];
  model?: ModelConfig;
}

/** An adapter on the tiny Llama, what it becomes in mlx's format, and what that becomes. */
async function roundTrip({ config, modules, model }: Case): Promise<{ first: string; mlx: string; last: string }> {
  const root = temporaryFolder();
  const base = await writeTiny(path.join(root, 'base'), model && tinyEntries(model), model);
  const [first, mlx, last] = ['first', 'mlx', 'last'].map((name) => path.join(root, name)) as [string, string, string];
  const usual = {
    r: 2,
    lora_alpha: 4,
    lora_dropout: 0.1,
    target_modules: [...modules.keys()],
    fan_in_fan_out: false,
    base_model_name_or_path: 'tiny',
  };
  await writePeftAdapter(first, { config: { ...usual, ...config }, modules });
  const opened = openBaseModel(base);
  const content = readAdapter(first).on(opened);
  await writeMlxAdapter({ base: opened, content, adapterDir: first, outDir: mlx });
  await writeAsPeft(readForeignLora(mlx)!, opened, last);
  expect(storedForeign(readForeignLora(mlx)!).on(opened).cells).toHaveLength(modules.size);
  opened.close();
  return { first, mlx, last };
}

const configOf = (dir: string): Record<string, unknown> =>
  JSON.parse(fs.readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;

it('comes back from mlx with the same values and numbers', async () => {
  const modules = new Map([LAYER, LAYER.replace('.0.', '.1.')].map((name, i) => [name, pair(8, 8, 2, i)]));
  const { first, mlx, last } = await roundTrip({ modules });
  expect(configOf(mlx)).toEqual({
    fine_tune_type: 'lora',
    lora_parameters: { dropout: 0.1, keys: ['self_attn.q_proj'], rank: 2, scale: 2 },
    model: expect.stringContaining('base') as string,
    num_layers: 2,
  });
  const tensors = readTensors(path.join(mlx, 'adapters.safetensors'));
  expect(tensors.get(`${LAYER}.lora_a`)!.shape).toEqual([8, 2]);
  expect(tensors.get(`${LAYER}.lora_b`)!.shape).toEqual([2, 8]);
  const [before, after] = [readPeftAdapter(first), readPeftAdapter(last)];
  expect(after.modules).toEqual(before.modules);
  expect(after.config).toMatchObject({ r: 2, lora_alpha: 4, lora_dropout: 0.1, target_modules: ['q_proj'] });
});

it('a DoRA comes back with its magnitudes', async () => {
  const modules = new Map([[LAYER, { ...pair(8, 8, 2), magnitude: values(8, 4) }]]);
  const { first, mlx, last } = await roundTrip({ modules, config: { use_dora: true } });
  expect(configOf(mlx)).toMatchObject({ fine_tune_type: 'dora', num_layers: 2, lora_parameters: { keys: [LAYER] } });
  expect(readTensors(path.join(mlx, 'adapters.safetensors')).get(`${LAYER}.m`)!.values).toEqual(values(8, 4));
  expect(readPeftAdapter(last).modules).toEqual(readPeftAdapter(first).modules);
  expect(readPeftAdapter(last).config.use_dora).toBe(true);
});

it('has one scale: others, rsLoRA and ranks of single matrices are worked into B', async () => {
  const modules = new Map([
    [LAYER, pair(8, 8, 2)],
    [DOWN, pair(12, 8, 4, 5)],
  ]);
  const config = { use_rslora: true, rank_pattern: { down_proj: 4 }, alpha_pattern: { down_proj: 12 } };
  const { mlx, last } = await roundTrip({ modules, config });
  const { lora_parameters: numbers, num_layers: layers } = configOf(mlx) as {
    lora_parameters: { scale: number; keys: string[] };
    num_layers: number;
  };
  expect(layers).toBe(2);
  expect(numbers.keys).toEqual([LAYER, DOWN]);
  // y - Wx by mlx's formula against (alpha / sqrt(r)) B A x.
  const tensors = readTensors(path.join(mlx, 'adapters.safetensors'));
  for (const [name, { A, B }] of modules) {
    const [inputs, r] = [A.shape[1], A.shape[0]];
    const x = values(inputs, 9);
    const [a, b] = ['a', 'b'].map((part) => tensors.get(`${name}.lora_${part}`)!.values) as [
      Float32Array,
      Float32Array,
    ];
    const low = Array.from({ length: r }, (_, k) => x.reduce((sum, value, i) => sum + value * a[i * r + k]!, 0));
    const got = Array.from(
      { length: 8 },
      (_, o) => numbers.scale * low.reduce((sum, value, k) => sum + value * b[k * 8 + o]!, 0),
    );
    const scale = name === DOWN ? 12 / Math.sqrt(4) : 4 / Math.sqrt(2);
    const want = Array.from(
      { length: 8 },
      (_, o) => scale * low.reduce((sum, value, k) => sum + value * B.data[o * r + k]!, 0),
    );
    expectClose(got, want, { rtol: 1e-5, atol: 1e-6 });
  }
  expect(readPeftAdapter(last).config).toMatchObject({ rank_pattern: { down_proj: 4 } });
});

it("names the blocks of GPT-2 as mlx-lm's own model does", async () => {
  const model = { model_type: 'gpt2', n_embd: 8, n_head: 2, n_layer: 1, n_positions: 16, vocab_size: 16 };
  const name = 'transformer.h.0.attn.c_attn';
  const { first, mlx, last } = await roundTrip({
    model,
    config: { fan_in_fan_out: true, target_modules: ['c_attn'] },
    modules: new Map([[name, pair(8, 24, 2)]]),
  });
  expect([...readTensors(path.join(mlx, 'adapters.safetensors')).keys()].sort()).toEqual([
    'model.h.0.attn.c_attn.lora_a',
    'model.h.0.attn.c_attn.lora_b',
  ]);
  expect(readPeftAdapter(last).modules).toEqual(readPeftAdapter(first).modules);
});

it('refuses what the format has no place for, and folders that are not whole', async () => {
  const modules = new Map([[LAYER, pair(8, 8, 2)]]);
  const biases = new Map([['model.layers.0.self_attn.q_proj.bias', values(8, 3)]]);
  const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'base')));
  const content = contentOf(LORA, { biases });
  const outDir = path.join(temporaryFolder(), 'mlx');
  await expect(writeMlxAdapter({ base, content, adapterDir: '/a', outDir })).rejects.toMatchObject({
    code: 'NOT_PLAIN_LORA',
    message: expect.stringContaining('trains biases') as string,
  });
  const source = base.tensors.get('model.embed_tokens.weight')!;
  const replaced = new Map([[source.name, { source, edit: () => undefined }]]);
  await expect(
    writeMlxAdapter({ base, content: contentOf(LORA, { replaced }), adapterDir: '/a', outDir }),
  ).rejects.toThrow(/values of its own for model.embed_tokens.weight.*export the merged model instead/);
  expect(fs.existsSync(outDir)).toBe(false);
  base.close();
  const { mlx } = await roundTrip({ modules });
  const file = path.join(mlx, 'adapter_config.json');
  const change = (fields: object): void => fs.writeFileSync(file, JSON.stringify({ ...configOf(mlx), ...fields }));
  expect(() => readAdapter(mlx)).toThrow(/a folder of mlx-lm.*adapters import/);
  change({ fine_tune_type: 'full' });
  expect(() => readForeignLora(mlx)).toThrow(/fine_tune_type "full"; fuse it/);
  change({ fine_tune_type: 'dora' });
  const tiny = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'base')));
  expect(() => storedForeign(readForeignLora(mlx)!).on(tiny)).toThrow(/no magnitude at model.layers.0/);
  tiny.close();
  fs.writeFileSync(file, '{"lora_parameters": {}}');
  expect(() => readForeignLora(mlx)).toThrow(/lacks a usable lora_parameters.scale/);
  fs.rmSync(file);
  expect(() => readForeignLora(mlx)).toThrow(/has no adapter_config.json/);
});
