/**
 * IA3 (Liu et al. 2022, section 3.3): y = l ∘ (xW + b) on keys and values, y = (l ∘ x)W + b on the last layer of the
 * MLP. Every l starts at one, so that the model starts out equal to the base.
 */
import * as tf from '@tensorflow/tfjs-core';
import { scalesInput, type Ia3Settings } from '../../../src-shared/methods/ia3.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { writeAdapterFile, type NamedTensor, type NamedTensors } from '../../adapters/files.ts';
import { needsFullPaths, PEFT_PREFIX, PEFT_VERSION, sortedConfig } from '../../adapters/peft.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { linearModules, type ArchitectureSpec, type LinearModule } from '../../engine/model/architecture.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { CellAdapter, cellsFrom, trainedCell, valueIn, type CellMaths, type TrainedCell } from '../cells.ts';
import type { Method } from '../method.ts';
import { adaptedModules } from '../targets.ts';
import { valueOf } from '../values.ts';
import { IA3_L } from './files.ts';

const MATHS: CellMaths = {
  input: (x, cell) => (isOnInput(cell) ? tf.mul(x, valueIn(cell, IA3_L)) : x),
  apply: (y, _, cell) =>
    isOnInput(cell) ? y : tf.mul(y, tf.reshape(valueIn(cell, IA3_L), [1, cell.module.outFeatures])),
};

function isOnInput(cell: TrainedCell): boolean {
  return valueIn(cell, IA3_L).shape[0] === 1;
}

export const ia3Method: Method<Ia3Settings, CellAdapter> = {
  create: ({ spec }, settings) => ({ adapter: createIa3(spec, settings) }),
  adapterFrom: (content) => new CellAdapter(cellsFrom(content), MATHS),
  save: (dir, { cells }, settings, base, graft) => saveIa3(dir, cells, settings, base, graft),
};

/** A new adapter. Throws on targets that do not fit. */
export function createIa3(spec: ArchitectureSpec, options: Omit<Ia3Settings, 'type'>): CellAdapter {
  const cells = adaptedModules(spec, options).map(({ module }) => {
    const shape = scalesInput(module) ? [1, module.inFeatures] : [module.outFeatures, 1];
    return trainedCell(module, 1, { [IA3_L]: { shape, data: new Float32Array(shape[0]! * shape[1]!).fill(1) } });
  });
  return new CellAdapter(cells, MATHS);
}

/** Parts of a fused layer become one vector on the whole of it, as PEFT has it: 1 where no part is adapted. */
async function saveIa3(
  dir: string,
  cells: TrainedCell[],
  { layers, exclude }: Ia3Settings,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const wholes = new Map(
    linearModules(base.spec)
      .filter(({ slice }) => !slice)
      .map((module) => [module.module, module]),
  );
  const tensors: NamedTensors = new Map();
  const modules: LinearModule[] = [];
  for (const [path, parts] of Map.groupBy(cells, ({ module }) => module.module)) {
    const module = wholes.get(path)!;
    modules.push(module);
    tensors.set(`${PEFT_PREFIX}${path}.${IA3_L}`, await joined(parts, module));
  }
  // IA3Config has no layers_to_transform: full paths name single layers.
  const nameOf =
    layers || exclude || needsFullPaths(modules)
      ? (one: LinearModule) => one.module
      : (one: LinearModule) => one.peftName;
  const config = sortedConfig({
    auto_mapping: null,
    base_model_name_or_path: base.origin,
    exclude_modules: null,
    fan_in_fan_out: base.spec.layout === 'in_out',
    feedforward_modules: [...new Set(modules.filter(scalesInput).map(nameOf))],
    inference_mode: true,
    init_ia3_weights: true,
    modules_to_save: null,
    peft_type: 'IA3',
    peft_version: PEFT_VERSION,
    revision: null,
    target_modules: [...new Set(modules.map(nameOf))],
    task_type: 'CAUSAL_LM',
  });
  return writeAdapterFile(dir, { config, tensors, graft });
}

async function joined(parts: TrainedCell[], { outFeatures }: LinearModule): Promise<NamedTensor> {
  const [first] = parts;
  if (!first!.module.slice) return valueOf(first!.parts[IA3_L]!);
  const data = new Float32Array(outFeatures).fill(1);
  for (const { module, parts: own } of parts) data.set((await valueOf(own[IA3_L]!)).data, module.slice!.start);
  return { shape: [outFeatures, 1], data };
}
