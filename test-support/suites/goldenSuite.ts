/**
 * The same comparison with PyTorch and PEFT for every engine: logits, greedy tokens, first gradients, and 20 steps of
 * LoRA training on the tiny checkpoints of the reference data.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import { bootBackend } from '../../src-main/engine/backends/backends.ts';
import { generateTokens } from '../../src-main/engine/generate/generate.ts';
import { LoraAdapter } from '../../src-main/methods/lora/lora.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import type { LoadOptions } from '../../src-main/engine/model/weights.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import { scheduleFactor } from '../../src-shared/schedule.ts';
import { Random } from '../../src-shared/random.ts';
import { evaluateLoss } from '../../src-main/engine/train/evaluate.ts';
import { accumulateGradients, trainStep } from '../../src-main/engine/train/step.ts';
import { loadAdapter } from '../../src-main/methods/adapterFolder.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import {
  attendedRows,
  loadModel,
  readJson,
  readTensors,
  toBatch,
  type BaseGolden,
  type CaseGolden,
} from '../goldens/goldens.ts';
import { sharedPath, skipNote } from '../goldens/shared.ts';

const MODERN = ['gemma3', 'olmo2', 'smollm3', 'granite', 'phi4mini'];
const STRETCHED = ['llama_rope3', 'llama_linear', 'llama_yarn'];
const ALL_BASES = ['gpt2', 'gpt2/base_hubkeys', 'llama', ...STRETCHED, 'qwen2', 'qwen3', 'gemma2', ...MODERN];
const ALL_CASES = [
  'gpt2/lora_qv',
  'gpt2/lora_all',
  'llama/lora_qv',
  'llama/lora_all',
  'llama/lora_accum2',
  'qwen3/lora_qv',
  'qwen3/lora_all',
  'gemma2/lora_qv',
  'gemma2/lora_all',
  ...MODERN.map((model) => `${model}/lora_all`),
];

const GREEDY = ['gpt2', 'llama', ...STRETCHED, 'qwen3', 'gemma2', ...MODERN];

interface TrainData {
  batches: { input_ids: number[][]; attention_mask: number[][]; labels: number[][] }[];
}

interface Part {
  bases?: string[];
  cases?: string[];
  load?: LoadOptions;
}

/** Runs the suite, or a part of it, on one engine; `rtol` is the relative tolerance against PyTorch. */
export async function goldenSuite(
  engine: BackendName,
  rtol: number,
  { bases = ALL_BASES, cases = ALL_CASES, load = {} }: Part = {},
): Promise<void> {
  const note = skipNote('golden') || (await bootOrNote(engine));
  const how = Object.entries(load).map(([option, value]) => `, ${option} ${value}`);
  describe.skipIf(note !== '')(`${engine}${how.join('')} against PyTorch goldens${note}`, () => {
    beforeAll(async () => void (await bootBackend(engine)));

    it.each(bases)('logits of %s', async (name) => {
      const [model, dir] = name.split('/') as [string, string | undefined];
      await withModel(`golden/${model}/${dir ?? 'base'}`, load, (decoder) => checkLogits(decoder, model, rtol));
    });

    it.each(GREEDY.filter((name) => bases.includes(name)))('greedy tokens of %s, with the cache', async (model) => {
      await withModel(`golden/${model}/base`, load, (decoder) => checkGreedy(decoder, model));
    });

    it.each(cases)('20 steps of %s', async (name) => {
      await withModel(`golden/${name.split('/')[0]}/base`, load, (decoder) => checkTraining(decoder, name, rtol));
    });
  });
}

async function withModel(relative: string, load: LoadOptions, check: (model: Decoder) => Promise<void>): Promise<void> {
  const model = loadModel(sharedPath(relative), load);
  try {
    await check(model);
  } finally {
    model.dispose();
  }
}

async function checkLogits(model: Decoder, name: string, rtol: number): Promise<void> {
  const batch = toBatch(readJson<BaseGolden>(`golden/${name}/base/golden.json`));
  const logits = tf.tidy(() => model.logits(model.hidden(batch.ids, batch.B, batch.T)));
  const want = readTensors(`golden/${name}/base/logits.safetensors`).get('logits')!.values;
  const got = await logits.data();
  logits.dispose();
  expectClose(attendedRows(got, batch.mask, model.spec.vocab), attendedRows(want, batch.mask, model.spec.vocab), {
    rtol,
    atol: rtol,
  });
}

async function checkGreedy(model: Decoder, name: string): Promise<void> {
  const { greedy } = readJson<BaseGolden>(`golden/${name}/base/golden.json`).generation;
  const tokens: number[] = [];
  const options = { maxNew: greedy.new_tokens.length, temperature: 0, eosIds: [], random: new Random(0) };
  for await (const id of generateTokens(model, greedy.prompt, options)) tokens.push(id);
  expect(tokens).toEqual(greedy.new_tokens);
}

async function checkTraining(base: Decoder, name: string, rtol: number): Promise<void> {
  const golden = readJson<CaseGolden>(`golden/${name}/golden.json`);
  const batches = readJson<TrainData>('golden/train_data.json').batches.map(toBatch);
  const adapter = initialAdapter(name);
  const model = base.with(adapter);
  const parameters = adapter.parameters();
  const { lr, weight_decay: weightDecay, clip, warmup, eps, steps } = golden.hyperparameters;
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps, weightDecay });
  await checkFirstGradients(model, adapter, name, rtol);
  let tensors = 0;
  const losses: number[] = [];
  const norms: number[] = [];
  for (const [step, want] of golden.steps.entries()) {
    const used = (want.batches ?? [want.batch!]).map((i) => batches[i]!);
    const result = await trainStep(model, parameters, optimizer, used, {
      lr: lr * scheduleFactor('linear', step, warmup, steps),
      clip,
    });
    losses.push(result.loss);
    norms.push(result.gradNorm);
    if (step === 0) tensors = tf.memory().numTensors; // by now the tables of the model exist
  }
  expect(tf.memory().numTensors).toBe(tensors);
  expectClose(
    losses,
    golden.steps.map((s) => s.loss),
    { rtol, atol: 0 },
    'losses',
  );
  expectClose(
    norms,
    golden.steps.map((s) => s.grad_norm),
    { rtol, atol: 0 },
    'gradient norms',
  );
  const evaluation = await evaluateLoss(model, [
    toBatch(readJson<BaseGolden>(`golden/${name.split('/')[0]}/base/golden.json`)),
  ]);
  expectClose([evaluation.loss], [golden.final_eval_loss], { rtol, atol: 0 }, 'evaluation loss');
  adapter.dispose();
  optimizer.dispose();
}

/** PEFT's saved initial adapter, so that both trainings start from the same values. */
function initialAdapter(name: string): LoraAdapter {
  const checkpoint = openBaseModel(sharedPath(`golden/${name.split('/')[0]}/base`));
  const adapter = loadAdapter(sharedPath(`golden/${name}/initial`), checkpoint);
  checkpoint.close();
  if (!(adapter instanceof LoraAdapter)) throw new Error(`${name} is not a LoRA`);
  return adapter;
}

async function checkFirstGradients(model: Decoder, adapter: LoraAdapter, name: string, rtol: number): Promise<void> {
  if (name.endsWith('accum2')) return;
  const batch = toBatch(readJson<TrainData>('golden/train_data.json').batches[0]!);
  const { loss, gradients } = accumulateGradients(model, adapter.parameters(), [batch]);
  const want = readTensors(`golden/${name}/grads_step0.safetensors`);
  for (const [i, { module }] of adapter.pairs.entries()) {
    for (const [k, half] of (['A', 'B'] as const).entries()) {
      const golden = want.get(`base_model.model.${module.module}.lora_${half}.default.weight`)!.values;
      const scale = Math.max(...golden.map(Math.abs));
      expectClose(await gradients[2 * i + k]!.data(), golden, { rtol, atol: rtol * scale }, `${module.module} ${half}`);
    }
  }
  tf.dispose([loss, ...gradients]);
}
