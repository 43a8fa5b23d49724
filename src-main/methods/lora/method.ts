/** LoRA and its kin as a method of training: what is trained along, what is written. */
import * as tf from '@tensorflow/tfjs-core';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { partOf, type AdapterContent } from '../../adapters/content.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { outputNorms } from '../../basemodel/outputNorms.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import { Random } from '../../../src-shared/random.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { loraBiases } from '../bitfit/biases.ts';
import type { Method } from '../method.ts';
import { valuesOf } from '../values.ts';
import { withMagnitudes } from './dora.ts';
import { createLora, LoraAdapter, makePair } from './lora.ts';
import { writePeftAdapter } from './peft.ts';
import { toPeftModules } from './peftLayout.ts';
import { PissaStart } from './pissa.ts';
import { CLASSIFIER, loraConfig } from './writtenConfig.ts';

export const loraMethod: Method<LoraSettings, LoraAdapter> = {
  async create(model, settings, { seed, labels }) {
    const { spec } = model;
    const plain = createLora(spec, settings, seed);
    const modules = plain.pairs.map(({ module }) => module);
    const { bias = 'none' } = settings;
    const trainedBiases = bias === 'none' ? [] : loraBiases(model, modules, bias);
    const beside = labels ? [...trainedBiases, newScore(labels.length, spec.hidden, seed)] : trainedBiases;
    const pissa = settings.init === 'pissa' ? await PissaStart.of(plain.pairs, model, seed) : null;
    const pairs = settings.dora ? withMagnitudes(plain.pairs, model) : plain.pairs;
    const adapter = new LoraAdapter(pairs, beside);
    const lrScales = new Map(pairs.map(({ B }) => [B, settings.loraPlusRatio ?? 1]));
    return {
      adapter,
      lrScaleOf: (parameter) => lrScales.get(parameter) ?? 1,
      beforeTraining: (place) => {
        adapter.dropout =
          settings.dropout > 0 ? { rate: settings.dropout, random: Random.stream(seed, `dropout ${place}`) } : null;
      },
      beforeEvaluation: () => (adapter.dropout = null),
      ...(pissa
        ? {
            result: async () => ({
              adapter: new LoraAdapter(await pissa.converted(), beside),
              settings: convertedSettings(settings),
            }),
          }
        : {}),
    };
  },
  save: saveLora,
  adapterFrom(content) {
    const pairs = content.cells.map((cell) => {
      const [A, B] = [partOf(cell, 'lora_A'), partOf(cell, 'lora_B')];
      const magnitude = cell.parts['lora_magnitude_vector']?.data;
      return makePair(cell.module, A.data, B.data, A.shape[0]!, cell.scale, magnitude);
    });
    return new LoraAdapter(pairs, overridesOf(content));
  },
  /** The start that PiSSA computes from the weights has the shapes of any other. */
  forShapes: (settings) => (settings.init === 'pissa' ? { ...settings, init: 'kaiming' } : settings),
};

/** N(0, 0.02^2), as transformers starts such a head. */
function newScore(classes: number, hidden: number, seed: number): Parameter {
  const values = Random.stream(seed, SCORE).normal(classes * hidden, 0.02);
  return { name: SCORE, value: tf.tensor2d(values, [classes, hidden]) };
}

/** PiSSA's result: a plain LoRA of twice the rank on the original base, with the same scale. */
function convertedSettings(settings: LoraSettings): LoraSettings {
  const twice = (pattern: Record<string, number> | undefined, factor: number): Record<string, number> | undefined =>
    pattern && Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, factor * value]));
  const alphaFactor = settings.rslora ? Math.SQRT2 : 2;
  return {
    ...settings,
    init: 'kaiming',
    rank: 2 * settings.rank,
    alpha: alphaFactor * settings.alpha,
    rankPattern: twice(settings.rankPattern, 2),
    alphaPattern: twice(settings.alphaPattern, alphaFactor),
  };
}

async function saveLora(
  dir: string,
  adapter: LoraAdapter,
  settings: LoraSettings,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const modules = await toPeftModules(adapter, base.spec, ({ weight, layout }) =>
    outputNorms(base.tensors.get(weight)!, layout),
  );
  const own = await valuesOf([...adapter.overrides.values()]);
  const head = own.get(SCORE);
  own.delete(SCORE);
  const biases = new Map([...own].map(([name, { data }]) => [name, data]));
  const config = { ...loraConfig(modules, settings, base), ...(head ? CLASSIFIER : {}) };
  return writePeftAdapter(dir, {
    config,
    modules,
    biases,
    score: head && { shape: head.shape as [number, number], data: head.data },
    graft,
  });
}

function overridesOf({ biases, score }: AdapterContent): Parameter[] {
  const all: Parameter[] = [...biases].map(([name, data]) => ({ name, value: tf.tensor1d(data) }));
  if (score) all.push({ name: SCORE, value: tf.tensor2d(score.data, score.shape as [number, number]) });
  return all;
}
