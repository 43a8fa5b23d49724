/** Attaching a method's trainable parameters to a model, and writing what they have become. */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { rewriteBaseModel } from '../basemodel/rewrite.ts';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { Adapter } from './attached.ts';
import { createBitfit, loraBiases } from './bitfit/biases.ts';
import { createBottleneck } from './bottleneck/bottleneck.ts';
import { withMagnitudes } from './lora/dora.ts';
import { createFull } from './full/full.ts';
import { createLoha } from './loha/loha.ts';
import { createLokr } from './lokr/lokr.ts';
import { createLora, LoraAdapter } from './lora/lora.ts';
import { PissaStart } from './lora/pissa.ts';
import { createPrefix } from './prefix/prefix.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import { SCORE } from '../engine/model/tensorNames.ts';
import { Random } from '../engine/random.ts';
import { saveAdapter } from './adapterFolder.ts';
import type { AdapterSettings, LoraSettings, MethodSettings } from '../../src-shared/methodSettings.ts';

/** What a run says about its method, and where and as what the result is saved. */
export interface AttachedRun {
  runId: string;
  task: string;
  outDir: string;
  method: MethodSettings;
  train: { seed: number };
}

export interface AttachedMethod {
  /** The model with the method's adapter. */
  model: Decoder;
  parameters: Parameter[];
  /** Called before the forward pass of a training micro-batch; `place` names it uniquely within the run. */
  beforeTraining(place: string): void;
  /** Factor on the learning rate of one parameter; absent: 1 for all. */
  lrScaleOf?(parameter: Parameter): number;
  /** Called before evaluation. */
  beforeEvaluation(): void;
  /** Writes the result folder (by default the run's own), which must not exist yet, whole or not at all. */
  save(outDir?: string): Promise<{ sha256: string; sizeBytes: number }>;
}

/** labels: the classes of a run that classifies texts, which then trains a head along. */
export async function attachMethod(
  model: Decoder,
  run: AttachedRun,
  base: BaseModel,
  labels?: string[],
): Promise<AttachedMethod> {
  const { method } = run;
  const { seed } = run.train;
  const { spec } = model;
  switch (method.type) {
    case 'lora':
      return attachLora(model, method, run, base, labels);
    case 'lokr':
      return attachAdapter(model, createLokr(spec, method, seed), method, run, base);
    case 'loha':
      return attachAdapter(model, createLoha(spec, method, seed), method, run, base);
    case 'bitfit':
      return attachAdapter(model, createBitfit(model), method, run, base);
    case 'adapter':
      return attachAdapter(model, createBottleneck(spec, method, seed), method, run, base);
    case 'prefix':
      return attachAdapter(model, createPrefix(model, method, seed), method, run, base);
    case 'full': {
      const adapter = createFull(model, method.layers);
      return {
        ...PLAIN,
        model: model.with(adapter),
        parameters: adapter.parameters(),
        save: (outDir = run.outDir) => saveWholeModel(model, outDir, base),
      };
    }
    default:
      return method satisfies never;
  }
}

/** A method in which training and evaluation are the same. */
const PLAIN = { beforeTraining: () => undefined, beforeEvaluation: () => undefined };

function attachAdapter(
  model: Decoder,
  adapter: Adapter,
  method: AdapterSettings,
  run: AttachedRun,
  base: BaseModel,
  labels?: string[],
): AttachedMethod {
  return {
    ...PLAIN,
    model: model.with(adapter),
    parameters: adapter.parameters(),
    save: (outDir = run.outDir) => saveAdapter(outDir, adapter, method, base, graftInfo(run, method, base, labels)),
  };
}

async function attachLora(
  model: Decoder,
  method: LoraSettings,
  run: AttachedRun,
  base: BaseModel,
  labels?: string[],
): Promise<AttachedMethod> {
  const { seed } = run.train;
  const { spec } = model;
  const plain = createLora(spec, method, seed);
  const trainedBiases =
    method.bias && method.bias !== 'none'
      ? loraBiases(
          model,
          plain.pairs.map(({ module }) => module),
          method.bias,
        )
      : [];
  const beside = labels ? [...trainedBiases, newScore(labels.length, spec.hidden, seed)] : trainedBiases;
  const pissa = method.init === 'pissa' ? await PissaStart.of(plain.pairs, model, seed) : null;
  const pairs = method.dora ? withMagnitudes(plain.pairs, model) : plain.pairs;
  const adapter = new LoraAdapter(pairs, beside);
  const lrScales = new Map(pairs.map(({ B }) => [B, method.loraPlusRatio ?? 1]));
  return {
    ...attachAdapter(model, adapter, method, run, base, labels),
    lrScaleOf: (parameter) => lrScales.get(parameter) ?? 1,
    beforeTraining: (place) => {
      adapter.dropout =
        method.dropout > 0 ? { rate: method.dropout, random: Random.stream(seed, `dropout ${place}`) } : null;
    },
    beforeEvaluation: () => (adapter.dropout = null),
    ...(pissa
      ? {
          save: async (outDir = run.outDir) =>
            savePissa(outDir, new LoraAdapter(await pissa.converted(), beside), method, run, base, labels),
        }
      : {}),
  };
}

/** N(0, 0.02^2), as transformers starts such a head. */
function newScore(classes: number, hidden: number, seed: number): Parameter {
  const values = Random.stream(seed, SCORE).normal(classes * hidden, 0.02);
  return { name: SCORE, value: tf.tensor2d(values, [classes, hidden]) };
}

/** As a plain LoRA of twice the rank on the original base, with the same scale. */
function savePissa(
  outDir: string,
  adapter: LoraAdapter,
  method: LoraSettings,
  run: AttachedRun,
  base: BaseModel,
  labels?: string[],
): Promise<{ sha256: string; sizeBytes: number }> {
  const twice = (pattern: Record<string, number> | undefined, factor: number): Record<string, number> | undefined =>
    pattern && Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, factor * value]));
  const alphaFactor = method.rslora ? Math.SQRT2 : 2;
  const asLora: LoraSettings = {
    ...method,
    init: 'kaiming',
    rank: 2 * method.rank,
    alpha: alphaFactor * method.alpha,
    rankPattern: twice(method.rankPattern, 2),
    alphaPattern: twice(method.alphaPattern, alphaFactor),
  };
  return saveAdapter(outDir, adapter, asLora, base, graftInfo(run, asLora, base, labels));
}

function graftInfo(run: AttachedRun, method: AdapterSettings, base: BaseModel, labels?: string[]): GraftAdapterInfo {
  return {
    format: 1,
    baseHash: base.hash,
    baseName: path.basename(base.dir),
    task: run.task,
    runId: run.runId,
    method,
    ...(labels ? { labels } : {}),
    createdAt: new Date().toISOString(),
  };
}

/** The base's folder with every weight replaced by its trained value. */
async function saveWholeModel(
  model: Decoder,
  outDir: string,
  base: BaseModel,
): Promise<{ sha256: string; sizeBytes: number }> {
  const trained = new Map<string, Float32Array>();
  for (const { name, value } of model.weights.values()) trained.set(name, (await value.data()) as Float32Array);
  return rewriteBaseModel({
    base,
    outDir,
    edit: ({ name }) => {
      const values = trained.get(name);
      const width =
        model.weights
          .get(name)
          ?.value.shape.slice(1)
          .reduce((a, b) => a * b, 1) ?? 0;
      return (
        values && ((rows, startRow) => void rows.set(values.subarray(startRow * width, startRow * width + rows.length)))
      );
    },
  });
}
