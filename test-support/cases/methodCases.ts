/**
 * Every fine-tuning method with small settings, on tiny models of three families: the table that tests of methods
 * share.
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel, type BaseModel } from '../../src-main/basemodel/baseModel.ts';
import { temporaryFolder } from '../fixtures/folders.ts';
import { withVirtualTokens } from '../../src-main/datasets/virtualTokens.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { replaceValue, type Parameter } from '../../src-main/engine/model/parameters.ts';
import { Random } from '../../src-shared/random.ts';
import { attachMethod, type AttachedMethod } from '../../src-main/methods/attach.ts';
import { methodSchema, type MethodSettings } from '../../src-shared/methods/registry.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import { trainSettingsSchema } from '../../src-shared/settings/training.ts';
import { loadModel } from '../goldens/goldens.ts';
import { TINY_LLAMA, writeTinyModel } from '../fixtures/tinyModel.ts';

export type TinyFamily = 'gpt2' | 'llama' | 'qwen2';

const CONFIGS: Record<TinyFamily, Record<string, unknown>> = {
  gpt2: {
    model_type: 'gpt2',
    n_embd: 16,
    n_head: 4,
    n_layer: 2,
    n_positions: 64,
    vocab_size: 258,
    torch_dtype: 'float32',
  },
  llama: TINY_LLAMA,
  qwen2: { ...TINY_LLAMA, model_type: 'qwen2' },
};

/**
 * By name: settings for `methodSchema`, and the families that have no such method. `MLP` becomes the family's own
 * target.
 */
const CASES: Record<string, { settings: Record<string, unknown>; notFor?: TinyFamily[] }> = {
  lora: { settings: { type: 'lora', rank: 3, alpha: 12, targets: ['q', 'v'] } },
  'lora, patterns and layers': {
    settings: {
      type: 'lora',
      rank: 3,
      alpha: 12,
      targets: ['q', 'v', 'o', 'MLP'],
      layers: [1],
      rankPattern: { q: 2, '1.o': 4 },
      alphaPattern: { v: 5, '1.q': 7 },
    },
  },
  'lora, patterns in all layers': {
    settings: {
      type: 'lora',
      rank: 3,
      alpha: 12,
      targets: ['q', 'k', 'MLP'],
      rankPattern: { '0.q': 2, MLP: 4 },
      alphaPattern: { '1.MLP': 5 },
    },
  },
  rslora: { settings: { type: 'lora', rank: 3, alpha: 12, targets: ['q', 'v', 'o'], rslora: true } },
  dora: {
    settings: { type: 'lora', rank: 3, alpha: 12, targets: ['q', 'v', 'MLP'], dora: true, rankPattern: { v: 2 } },
  },
  'lora, bias all': { settings: { type: 'lora', rank: 2, targets: ['q', 'v', 'o'], bias: 'all' } },
  'lora, bias lora_only': { settings: { type: 'lora', rank: 2, targets: ['v', 'MLP'], bias: 'lora_only', dora: true } },
  pissa: { settings: { type: 'lora', rank: 2, alpha: 4, targets: ['q', 'v', 'MLP'], init: 'pissa' } },
  'pissa, rslora': { settings: { type: 'lora', rank: 2, alpha: 4, targets: ['o'], init: 'pissa', rslora: true } },
  lokr: { settings: { type: 'lokr', rank: 1, alpha: 3, targets: ['q', 'MLP'] } },
  'lokr, factor': { settings: { type: 'lokr', rank: 4, alpha: 3, targets: ['o'], factor: 8, layers: [0] } },
  loha: { settings: { type: 'loha', rank: 2, alpha: 3, targets: ['v', 'MLP'] } },
  ia3: { settings: { type: 'ia3' } },
  'ia3, parts and layers': { settings: { type: 'ia3', targets: ['q', 'v', 'MLP'], layers: [1] } },
  miss: { settings: { type: 'miss', rank: 3, targets: ['q', 'MLP'] } },
  'miss, layers': { settings: { type: 'miss', rank: 5, targets: ['q', 'k', 'o'], layers: [0] } },
  'miss, bat': { settings: { type: 'miss', rank: 4, targets: ['q', 'v', 'MLP'], variant: 'bat' } },
  bitfit: { settings: { type: 'bitfit' }, notFor: ['llama'] },
  houlsby: { settings: { type: 'adapter', kind: 'houlsby', bottleneck: 3 } },
  'pfeiffer, skip': { settings: { type: 'adapter', kind: 'pfeiffer', bottleneck: 3, skipLayers: 1 } },
  lin: { settings: { type: 'adapter', kind: 'lin', bottleneck: 2 } },
  'prefix-embedding': { settings: { type: 'prefix', kind: 'embedding', prefixLength: 3, infixLength: 2 } },
  'prefix-layer': { settings: { type: 'prefix', kind: 'layer', prefixLength: 2, infixLength: 3 } },
  'prefix, infix only': { settings: { type: 'prefix', kind: 'layer', prefixLength: 0, infixLength: 2 } },
  'prefix key-value': { settings: { type: 'prefix', kind: 'key-value', prefixLength: 4 } },
};

/** [family, method], each as `attachTo` takes it. */
export const METHOD_CASES = (Object.keys(CONFIGS) as TinyFamily[]).flatMap((family) =>
  Object.keys(CASES)
    .filter((name) => !CASES[name]!.notFor?.includes(family))
    .map((name) => [family, name] as const),
);

export function settingsOf(family: TinyFamily, name: string): MethodSettings {
  const text = JSON.stringify(CASES[name]!.settings).replaceAll('MLP', family === 'gpt2' ? 'fc' : 'up');
  return methodSchema.parse(JSON.parse(text));
}

/** A base model folder of the family. Removed after the test. */
export function writeFamily(family: TinyFamily): Promise<string> {
  return writeTinyModel(path.join(temporaryFolder(), family), { config: { ...CONFIGS[family] }, seed: 4 });
}

export interface Attached {
  base: BaseModel;
  model: Decoder;
  method: AttachedMethod;
  settings: MethodSettings;
  /** Where `method.save` writes. */
  outDir: string;
}

/**
 * A model with the method attached, all trained values drawn anew, as after a training. The caller disposes the model
 * and closes the base model.
 */
export async function attachTrained(modelDir: string, settings: MethodSettings): Promise<Attached> {
  const base = openBaseModel(modelDir);
  const outDir = path.join(temporaryFolder(), 'adapter');
  const run = runSpecSchema.parse({
    runId: 'run-1',
    model: { dir: modelDir, hash: base.hash },
    data: { file: 'none' },
    task: 'test',
    method: settings,
    train: trainSettingsSchema.parse({ batch: 4, warmup: 0, seed: 5 }),
    runDir: outDir,
    outDir,
  });
  const method = await attachMethod(loadModel(modelDir), run, base);
  method.parameters.forEach((parameter) => disturb(parameter, settings.type === 'full' ? 0.02 : 0.3));
  return { base, model: method.model, method, settings, outDir };
}

function disturb(parameter: Parameter, std: number): void {
  const noise = Random.stream(9, parameter.name).normal(parameter.value.size, std);
  replaceValue(
    parameter,
    tf.tidy(() => tf.add(parameter.value, tf.tensor(noise, parameter.value.shape))),
  );
}

/** Four tokens of a prompt and three of its answer. */
const ROW = { ids: Int32Array.of(1, 5, 9, 200, 2, 7, 30), labels: Int32Array.of(-100, -100, -100, -100, 2, 7, 30) };

/** Logits at the places of a fixed row, which has the virtual tokens of the model's adapter among its own. */
export async function logitsOf(model: Decoder): Promise<Float32Array> {
  const { vocab } = model.spec;
  const { ids } = withVirtualTokens(ROW, { prefix: 0, infix: 0, ...model.adapter?.virtual, vocab });
  const real = [...ids.keys()].filter((at) => ids[at]! < vocab);
  const logits = tf.tidy(() => model.logits(tf.gather(model.hidden(ids, 1, ids.length), tf.tensor1d(real, 'int32'))));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
