/** What a method would train on a model, before anything is loaded. */
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { elementCount } from '../../safetensors/read.ts';
import { linearModules } from '../../engine/model/architecture.ts';
import { trainableOf } from '../../methods/formulas.ts';
import { isAdapter, type MethodSettings } from '../../../src-shared/methods/registry.ts';

export interface TrainableView {
  /** Trained parameters. */
  count: number;
  /** The formula with its numbers. */
  formula: string;
  /** `count` as a share of the base's parameters. */
  share: number;
  /** Of the parameters on disk: float32, or for full fine-tuning the whole model in its own dtypes. */
  adapterBytes: number;
}

/** Input and output features of each target's matrix, the same in every layer. Throws as openBaseModel. */
export function matricesOf(modelDir: string): { target: string; inFeatures: number; outFeatures: number }[] {
  const base = openBaseModel(modelDir);
  base.close();
  return linearModules(base.spec).flatMap(({ layer, target, inFeatures, outFeatures }) =>
    layer === 0 ? [{ target, inFeatures, outFeatures }] : [],
  );
}

/** Throws as openBaseModel, and where the settings do not fit the model. */
export function trainableIn(modelDir: string, method: MethodSettings): TrainableView {
  const base = openBaseModel(modelDir);
  try {
    const { count, formula } = trainableOf(base.spec, base.tensors, method);
    const total = [...base.tensors.values()].reduce((sum, info) => sum + elementCount(info), 0);
    const wholeModel = base.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { count, formula, share: count / total, adapterBytes: isAdapter(method) ? 4 * count : wholeModel };
  } finally {
    base.close();
  }
}
