/** LoRA and its kin as a method of training: what is trained along, what is written. */
import * as tf from '@tensorflow/tfjs-core';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { partOf, type AdapterContent } from '../../adapters/content.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { replacedValues } from '../../adapters/replaced.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { outputNorms } from '../../basemodel/outputNorms.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { SCORE } from '../../engine/model/tensorNames.ts';
import { ownParameter } from '../../engine/model/weights.ts';
import { Random } from '../../../src-shared/random.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { loraBiases } from '../bitfit/biases.ts';
import type { Method } from '../method.ts';
import { valuesOf } from '../values.ts';
import { withMagnitudes } from './dora.ts';
import { LoraAdapter, makePair } from './lora.ts';
import { writePeftAdapter } from './peft.ts';
import { toPeftModules } from './peftLayout.ts';
import { converted } from './residualStart.ts';
import { plainStart, startLora } from './start.ts';
import { CLASSIFIER, loraConfig } from './writtenConfig.ts';

export const loraMethod: Method<LoraSettings, LoraAdapter> = {
  async create(model, asked, request) {
    const { seed, labels } = request;
    const start = await startLora(model, asked, request);
    const { settings, starts } = start;
    const modules = start.pairs.map(({ module }) => module);
    const { bias = 'none' } = settings;
    const trainedBiases = bias === 'none' ? [] : loraBiases(model, modules, bias);
    const beside = labels ? [...trainedBiases, newScore(labels.length, model.spec.hidden, seed)] : trainedBiases;
    const pairs = settings.dora ? withMagnitudes(start.pairs, model) : start.pairs;
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
      result: async () =>
        starts
          ? {
              adapter: new LoraAdapter(await converted(pairs, starts), beside),
              settings: convertedSettings(settings),
            }
          : { adapter, settings },
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
  forShapes: plainStart,
};

/** N(0, 0.02^2), as transformers starts such a head. */
function newScore(classes: number, hidden: number, seed: number): Parameter {
  const values = Random.stream(seed, SCORE).normal(classes * hidden, 0.02);
  return { name: SCORE, value: tf.tensor2d(values, [classes, hidden]) };
}

/** The result of PiSSA and LoRA-GA: a plain LoRA of twice the rank on the original base, with the same scale. */
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

function overridesOf({ biases, score, replaced }: AdapterContent): Parameter[] {
  const all: Parameter[] = [...biases].map(([name, data]) => ({ name, value: tf.tensor1d(data) }));
  for (const [name, one] of replaced) {
    const { shape, data } = replacedValues(one);
    all.push(ownParameter(name, data, shape));
  }
  if (score) all.push({ name: SCORE, value: tf.tensor2d(score.data, score.shape as [number, number]) });
  return all;
}
