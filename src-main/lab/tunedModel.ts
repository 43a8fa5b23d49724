/** What full fine-tuning did to a base: dW = W' - W of each linear layer of two models of one architecture. */
import { GraftError } from '../../src-shared/errors.ts';
import type { BaseModel, BaseTensor } from '../basemodel/baseModel.ts';
import { linearModules } from '../engine/model/architecture.ts';
import { readRowsF32, rowsOf } from '../safetensors/read.ts';
import { denseUpdate, type Update } from './update.ts';

export interface Tuning {
  /** Of the linear layers that differ. */
  updates: Update[];
  /** Other tensors that differ: embeddings, norms, biases. */
  beside: string[];
}

/** Throws LAB_OTHER_MODEL where `tuned` lacks a tensor of the base, or has it in another shape. */
export function tuningOf(tuned: BaseModel, base: BaseModel): Tuning {
  const wholes = linearModules(base.spec).filter(({ slice }) => !slice);
  const modules = new Map(wholes.map((module) => [module.weight, module]));
  const tuning: Tuning = { updates: [], beside: [] };
  for (const weight of base.tensors.values()) {
    const after = tuned.tensors.get(weight.name);
    if (after?.shape.join() !== weight.shape.join()) throw otherModel(tuned, base, weight, after);
    if (sameValues(weight, after)) continue;
    const module = modules.get(weight.name);
    if (module) tuning.updates.push(denseUpdate(weight, module, () => difference(weight, after)));
    else tuning.beside.push(weight.name);
  }
  return tuning;
}

function difference(before: BaseTensor, after: BaseTensor): Float64Array {
  const { rows } = rowsOf(before);
  const [from, to] = [readRowsF32(before, 0, rows), readRowsF32(after, 0, rows)];
  return Float64Array.from(to, (x, i) => x - from[i]!);
}

const COMPARED_VALUES = 1 << 20;

/** Stops at the first piece that differs, so that only what is the same is read whole. */
function sameValues(one: BaseTensor, other: BaseTensor): boolean {
  const { rows, width } = rowsOf(one);
  const step = Math.max(1, Math.floor(COMPARED_VALUES / width));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const [a, b] = [readRowsF32(one, row, count), readRowsF32(other, row, count)];
    if (a.some((x, i) => x !== b[i])) return false;
  }
  return true;
}

function otherModel(tuned: BaseModel, base: BaseModel, want: BaseTensor, got: BaseTensor | undefined): GraftError {
  const has = got ? `has ${want.name} of shape [${got.shape.join(', ')}]` : `lacks ${want.name}`;
  return new GraftError(
    'LAB_OTHER_MODEL',
    `The model in ${tuned.dir} ${has}, but the base model in ${base.dir} has [${want.shape.join(', ')}]; choose the ` +
      'base model that it was fine-tuned from.',
    { model: tuned.dir, base: base.dir, tensor: want.name },
  );
}
