/** Adapters that act on single linear layers, each with trained parts of its own. */
import * as tf from '@tensorflow/tfjs-core';
import type { AdapterContent } from '../adapters/content.ts';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import { writeAdapterFile, type NamedTensor, type NamedTensors } from '../adapters/files.ts';
import { PEFT_PREFIX } from '../adapters/peft.ts';
import type { LinearModule } from '../engine/model/architecture.ts';
import type { LinearInUse } from '../engine/model/attachment.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import type { WrittenFile } from '../safetensors/write.ts';
import type { Adapter, ModuleUpdate } from './adapter.ts';
import { placeOf } from './targets.ts';
import { valueOf } from './values.ts';

export interface TrainedCell {
  module: LinearModule;
  scale: number;
  /** By the method's own names. */
  parts: Readonly<Record<string, Parameter>>;
}

/** What a method makes of one layer. */
export interface CellMaths {
  /** y: (N, out), the base's output with bias; x: (N, in). Returns (N, out). */
  apply(y: tf.Tensor2D, x: tf.Tensor2D, cell: TrainedCell, at: LinearInUse): tf.Tensor2D;
  /** What the layer reads in place of x: (N, in). */
  input?(x: tf.Tensor2D, cell: TrainedCell): tf.Tensor2D;
  /** What the cell adds to its weight, (out, in), without the scale; absent where it does more than add. */
  update?(cell: TrainedCell): tf.Tensor2D;
}

export class CellAdapter implements Adapter {
  readonly cells: TrainedCell[];
  private readonly maths: CellMaths;
  private readonly byPlace: Map<string, TrainedCell>;

  constructor(cells: TrainedCell[], maths: CellMaths) {
    this.cells = cells;
    this.maths = maths;
    this.byPlace = new Map(cells.map((cell) => [placeOf(cell.module), cell]));
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    const cell = this.byPlace.get(placeOf(at.module));
    return cell ? this.maths.apply(y, x, cell, at) : y;
  }

  input(x: tf.Tensor2D, at: LinearInUse): tf.Tensor2D {
    const cell = this.byPlace.get(placeOf(at.module));
    return (cell && this.maths.input?.(x, cell)) ?? x;
  }

  updates(): ModuleUpdate[] | null {
    const { update } = this.maths;
    if (!update) return null;
    return this.cells.map((cell) => ({ module: cell.module, matrix: () => tf.mul(update(cell), cell.scale) }));
  }

  parameters(): Parameter[] {
    return this.cells.flatMap(({ parts }) => Object.values(parts));
  }

  dispose(): void {
    for (const { value } of this.parameters()) value.dispose();
  }
}

/** A cell whose parts take these values. */
export function trainedCell(
  module: LinearModule,
  scale: number,
  parts: Readonly<Record<string, NamedTensor>>,
): TrainedCell {
  const make = ([part, { shape, data }]: [string, NamedTensor]): [string, Parameter] => [
    part,
    { name: `${placeOf(module)}.${part}`, value: tf.tensor(data, shape) },
  ];
  return { module, scale, parts: Object.fromEntries(Object.entries(parts).map(make)) };
}

/** The cells of a stored adapter. */
export function cellsFrom({ cells }: AdapterContent): TrainedCell[] {
  return cells.map(({ module, scale, parts }) => trainedCell(module, scale, parts));
}

/** A part that the method gives every cell. */
export function valueIn({ parts }: TrainedCell, name: string): tf.Tensor2D {
  return parts[name]!.value as tf.Tensor2D;
}

/** Whether PEFT could hold the cells of a method that it has for whole nn.Linear layers only. */
export function areWholeLinear(cells: TrainedCell[]): boolean {
  return cells.every(({ module }) => module.layout === 'out_in' && !module.slice);
}

/** Writes keys `base_model.model.<module path>.<part>`. Throws as writeAdapterFile. */
export async function writePeftCells(
  dir: string,
  config: Record<string, unknown>,
  cells: TrainedCell[],
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const tensors: NamedTensors = new Map();
  for (const { module, parts } of cells)
    for (const [part, parameter] of Object.entries(parts))
      tensors.set(`${PEFT_PREFIX}${module.module}.${part}`, await valueOf(parameter));
  return writeAdapterFile(dir, { config, tensors, graft });
}
