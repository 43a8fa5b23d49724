/**
 * 20 steps of every fine-tuning method that the reference data has, against PyTorch and PEFT: losses, gradient norms,
 * first gradients and final parameters. Adapters are put together from the files' tensors here, not by Graft's readers.
 */
import fs from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import type { Adapter } from '../../src-main/methods/adapter.ts';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { loadAdapter } from '../../src-main/methods/adapterFolder.ts';
import type { CellAdapter } from '../../src-main/methods/cells.ts';
import { BiasAdapter } from '../../src-main/methods/bitfit/biases.ts';
import { FullTuning } from '../../src-main/methods/full/full.ts';
import { LoraAdapter, makePair } from '../../src-main/methods/lora/lora.ts';
import { PrefixAdapter } from '../../src-main/methods/prefix/prefix.ts';
import { linearModules } from '../../src-main/engine/model/architecture.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { replaceValue, type Parameter } from '../../src-main/engine/model/parameters.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import { scheduleFactor } from '../../src-shared/schedule.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';
import { evaluateLoss } from '../../src-main/engine/train/evaluate.ts';
import { accumulateGradients, trainStep } from '../../src-main/engine/train/step.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import { loadModel, readJson, readTensors, toBatch, type BaseGolden, type CaseGolden } from '../goldens/goldens.ts';
import { sharedPath, skipNote } from '../goldens/shared.ts';
import { withVirtualTokens } from '../cases/virtualBatch.ts';

export const METHOD_CASES = [
  'rslora',
  'dora',
  'dora_randB',
  'pissa',
  'prefix',
  'full',
  'bitfit',
  'ia3',
  'miss',
  'miss_r6',
  'miss_bat',
] as const;
/** LoRA from starts that look at the data; the curve begins at the stored start. */
export const START_CASES = ['eva', 'eva_qv', 'eva_rho2', 'lora_ga'] as const;
type MethodCase = (typeof METHOD_CASES)[number] | (typeof START_CASES)[number];

interface Tensor {
  shape: number[];
  values: Float32Array;
}

interface Setup {
  adapter: Adapter;
  /** Each trained parameter's name among the gradients and in the final file. */
  names: Map<Parameter, { gradient: string; final: string }>;
}

/**
 * Runs the cases of these models on one engine; `rtol` is relative to PyTorch's losses and to the largest value of a
 * tensor.
 */
export async function methodGoldenSuite(
  engine: BackendName,
  models: string[],
  cases: readonly MethodCase[],
  rtol: number,
): Promise<void> {
  const note = skipNote('golden') || (await bootOrNote(engine));
  const all = models.flatMap((model) => cases.map((name) => `${model}/${name}`));
  // Only GPT-2 and Qwen2 have biases.
  const present = note ? all : all.filter((name) => fs.existsSync(sharedPath(`golden/${name}`)));
  describe.skipIf(note !== '')(`methods on ${engine} against PyTorch goldens${note}`, () => {
    it.each(present)('20 steps of %s', async (name) => {
      const [modelName, method] = name.split('/') as [string, MethodCase];
      const model = loadModel(sharedPath(`golden/${modelName}/base`));
      const { adapter, names } = setUp(model, name, method);
      try {
        await checkTraining(model.with(adapter), name, { adapter, names }, rtol);
      } finally {
        adapter.dispose();
        model.dispose();
      }
    });
  });
}

function setUp(model: Decoder, name: string, method: MethodCase): Setup {
  switch (method) {
    case 'full':
      return named(new FullTuning(model.weights), (tensor) => [tensor, tensor]);
    case 'bitfit': {
      const biases = readTensors(`golden/${name}/initial_biases.safetensors`);
      return named(
        new BiasAdapter(
          [...biases].map(([tensor, { shape, values }]) => ({ name: tensor, value: tf.tensor(values, shape) })),
        ),
        (tensor) => [tensor, tensor],
      );
    }
    case 'prefix': {
      const start = readTensors(`golden/${name}/initial/adapter_model.safetensors`).get('prompt_embeddings')!;
      const options = { kind: 'key-value', prefixLength: start.shape[0]!, infixLength: 0 } as const;
      const parameter = { name: 'prompt_embeddings', value: tf.tensor(start.values, start.shape) };
      return named(new PrefixAdapter(model.spec, options, [parameter]), () => [
        'prompt_encoder.default.embedding.weight',
        'prompt_embeddings',
      ]);
    }
    case 'ia3':
    case 'miss':
    case 'miss_r6':
    case 'miss_bat':
      return cellSetup(model, name);
    case 'pissa':
    case 'lora_ga':
      for (const [tensor, { shape, values }] of readTensors(`golden/${name}/w_res.safetensors`))
        replaceValue(
          model.weights.get(tensor.replace('base_model.model.', '').replace('.base_layer', ''))!,
          tf.tensor(values, shape),
        );
      return loraSetup(model, name);
    default:
      return loraSetup(model, name);
  }
}

function named(adapter: Adapter, namesOf: (name: string) => [string, string]): Setup {
  return {
    adapter,
    names: new Map(
      adapter.parameters().map((parameter) => {
        const [gradient, final] = namesOf(parameter.name);
        return [parameter, { gradient, final }];
      }),
    ),
  };
}

/** Read by Graft's own reader, which keeps the tensors as they are. */
function cellSetup(model: Decoder, name: string): Setup {
  const base = openBaseModel(sharedPath(`golden/${name.split('/')[0]}/base`));
  const adapter = loadAdapter(sharedPath(`golden/${name}/initial`), base) as CellAdapter;
  base.close();
  const names: Setup['names'] = new Map();
  for (const { module, parts } of adapter.cells)
    for (const [part, parameter] of Object.entries(parts)) {
      const key = `base_model.model.${module.module}.${part}`;
      names.set(parameter, { gradient: `${key}.default`, final: key });
    }
  return { adapter, names };
}

function loraSetup(model: Decoder, name: string): Setup {
  const config = readJson<{
    r: number;
    lora_alpha: number;
    use_rslora: boolean;
    alpha_pattern: Record<string, number>;
  }>(`golden/${name}/initial/adapter_config.json`);
  const tensors = readTensors(`golden/${name}/initial/adapter_model.safetensors`);
  const names: Setup['names'] = new Map();
  const pairs = linearModules(model.spec)
    .filter(({ slice }) => !slice)
    .flatMap((module) => {
      const key = (part: string): string => `base_model.model.${module.module}.${part}`;
      const tensor = (part: string): Tensor | undefined => tensors.get(key(part));
      const [A, B, magnitude] = [tensor('lora_A.weight'), tensor('lora_B.weight'), tensor('lora_magnitude_vector')];
      if (!A || !B) return [];
      const r = A.shape[0]!;
      const alpha = config.alpha_pattern[module.module] ?? config.lora_alpha;
      const scale = alpha / (config.use_rslora ? Math.sqrt(r) : r);
      const pair = makePair(module, A.values, B.values, r, scale, magnitude?.values);
      names.set(pair.A, { gradient: key('lora_A.default.weight'), final: key('lora_A.weight') });
      names.set(pair.B, { gradient: key('lora_B.default.weight'), final: key('lora_B.weight') });
      if (pair.magnitude)
        names.set(pair.magnitude.m, {
          gradient: key('lora_magnitude_vector.default.weight'),
          final: key('lora_magnitude_vector'),
        });
      return [pair];
    });
  return { adapter: new LoraAdapter(pairs), names };
}

async function checkTraining(model: Decoder, name: string, { adapter, names }: Setup, rtol: number): Promise<void> {
  const golden = readJson<CaseGolden>(`golden/${name}/golden.json`);
  const withTokens = (batch: Batch): Batch => withVirtualTokens(batch, model.spec.vocab, adapter);
  const batches = readJson<{ batches: Parameters<typeof toBatch>[0][] }>('golden/train_data.json')
    .batches.map(toBatch)
    .map(withTokens);
  const parameters = adapter.parameters();
  expect(parameters.reduce((sum, { value }) => sum + value.size, 0)).toBe(golden.trainable_count);
  const { lr, weight_decay: weightDecay, clip, warmup, eps, steps } = golden.hyperparameters;
  await checkFirstGradients(model, parameters, batches[0]!, names, `golden/${name}/grads_step0.safetensors`, rtol);
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps, weightDecay });
  const [losses, norms]: [number[], number[]] = [[], []];
  let tensors = 0;
  for (const [step, want] of golden.steps.entries()) {
    const result = await trainStep(model, parameters, optimizer, [batches[want.batch!]!], {
      lr: lr * scheduleFactor('linear', step, warmup, steps),
      clip,
    });
    losses.push(result.loss);
    norms.push(result.gradNorm);
    if (step === 0) tensors = tf.memory().numTensors; // by now the tables of the model exist
  }
  expect(tf.memory().numTensors).toBe(tensors);
  optimizer.dispose();
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
    withTokens(toBatch(readJson<BaseGolden>(`golden/${name.split('/')[0]}/base/golden.json`))),
  ]);
  expectClose([evaluation.loss], [golden.final_eval_loss], { rtol, atol: 0 }, 'evaluation loss');
  const final = readTensors(`golden/${name}/${finalFile(name)}`);
  for (const parameter of parameters) {
    const keyBias = keyBiasOf(model, parameter.name);
    const want = final.get(names.get(parameter)!.final)!;
    const tolerance = keyBias === 'noisy' ? 200 * rtol : partsByRounding(name) ? 20 * rtol : rtol;
    await checkTensor(
      parameter.value,
      want,
      tolerance,
      `final ${parameter.name}`,
      keyBias === 'noisy' ? undefined : keyBias,
    );
  }
}

/**
 * With B = 0 the first gradients of A are nothing but rounding, from which Adam makes steps of full size (the goldens'
 * README says how far two correct runs then part; what is rounded how differs between AMD's and Intel's processors).
 * GPT-2 and Llama keep together all the same, but for one start.
 */
function partsByRounding(name: string): boolean {
  return /^((llama_rope3|qwen3|gemma2)\/dora|llama\/eva)$/.test(name);
}

/**
 * A bias on keys adds the same to all scores of a query, which softmax takes out again: without rotary positions its
 * gradient is nothing but rounding, which Adam makes steps of full size from, in PyTorch as here. With them it is
 * nearly so in the slowest turning elements.
 */
function keyBiasOf({ spec }: Decoder, name: string): [number, number] | 'noisy' | undefined {
  if (name.endsWith('k_proj.bias')) return 'noisy';
  return name.endsWith('c_attn.bias') ? [spec.hidden, 2 * spec.hidden] : undefined;
}

function finalFile(name: string): string {
  if (name.endsWith('full')) return 'final_model.safetensors';
  return name.endsWith('bitfit') ? 'final_biases.safetensors' : 'final/adapter_model.safetensors';
}

async function checkFirstGradients(
  model: Decoder,
  parameters: Parameter[],
  batch: Batch,
  names: Setup['names'],
  file: string,
  rtol: number,
): Promise<void> {
  const { loss, gradients } = accumulateGradients(model, parameters, [batch]);
  const want = readTensors(file);
  for (const [i, parameter] of parameters.entries())
    await checkTensor(gradients[i]!, want.get(names.get(parameter)!.gradient)!, rtol, `gradient of ${parameter.name}`);
  tf.dispose([loss, ...gradients]);
}

/** `except`: elements that are not compared, from the first to before the second. */
async function checkTensor(
  got: tf.Tensor,
  want: Tensor,
  rtol: number,
  label: string,
  except?: [number, number],
): Promise<void> {
  expect(got.shape, label).toEqual(want.shape);
  const largest = want.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const compared = (values: ArrayLike<number>): number[] =>
    Array.from(values).filter((_, i) => !except || i < except[0] || i >= except[1]);
  expectClose(compared(await got.data()), compared(want.values), { rtol: 0, atol: rtol * largest + 1e-12 }, label);
}
