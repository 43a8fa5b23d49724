/** A base whose tensors are merged, and rounded where it is asked for, when they are read. */
import type { BaseModel, BaseTensor } from '../../basemodel/baseModel.ts';
import type { EditOf } from '../../methods/files.ts';
import { castF32, isFloatDtype, widenInto, type Dtype } from '../../safetensors/dtype.ts';

/** to: the type that a tensor is rounded to. */
export function mergedInMemory(base: BaseModel, edit: EditOf, to?: (tensor: BaseTensor) => Dtype): BaseModel {
  const change = (name: string, values: Float32Array): Float32Array => {
    const tensor = base.tensors.get(name)!;
    edit(tensor)?.(values, 0);
    if (to) round(values, to(tensor));
    return values;
  };
  return {
    ...base,
    changed: true,
    readF32: (name) => change(name, base.readF32(name)),
    async fillF32(name, values) {
      await base.fillF32(name, values);
      change(name, values);
    },
  };
}

function round(values: Float32Array, dtype: Dtype): void {
  if (dtype === 'F32' || !isFloatDtype(dtype)) return;
  widenInto(values, new Uint16Array(castF32(values, dtype).buffer), dtype);
}
