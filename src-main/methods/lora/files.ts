/** LoRA outside the engine: settings against a model, PEFT's folders, and merging W' = W + s·BA (Hu et al. 2021). */
import { usageError } from '../../../src-shared/errors.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { partOf, type Cell } from '../../adapters/content.ts';
import type { BaseTensor } from '../../basemodel/baseModel.ts';
import { outputNorms } from '../../basemodel/outputNorms.ts';
import type { EditRows } from '../../safetensors/editedRows.ts';
import { rowsOf } from '../../safetensors/read.ts';
import { addDelta, deltaOf, type Delta, type FillRow } from '../delta.ts';
import type { EditOf, MethodFiles } from '../files.ts';
import { lowRankFor, lowRankRow } from '../lowRank.ts';
import { adaptedModules, type AdaptedModule } from '../targets.ts';
import { asPeftAdapter } from './peft.ts';

export const loraFiles: MethodFiles<LoraSettings> = {
  check(spec, _, settings) {
    if (settings.dora && (settings.init === 'pissa' || settings.init === 'lora-ga'))
      throw usageError(
        'METHOD_CLASH',
        `DoRA takes the base apart into magnitude and direction, ${settings.init === 'pissa' ? 'PiSSA' : 'LoRA-GA'} ` +
          'into a start and the rest; choose one of the two.',
      );
    const adapted = adaptedModules(spec, settings);
    if (settings.init === 'lora-ga') checkDirections(adapted);
  },
  peft: { type: 'LORA', read: asPeftAdapter },
  rowsOf: updateRows,
  edits({ cells }): EditOf {
    const byWeight = new Map(
      cells.filter(({ parts }) => parts['lora_magnitude_vector']).map((cell) => [cell.module.weight, cell]),
    );
    return (tensor) => {
      const cell = byWeight.get(tensor.name);
      return cell && doraEdit(tensor, cell);
    };
  },
};

/** LoRA-GA takes r directions of the gradient for A and r others for B. */
function checkDirections(adapted: AdaptedModule[]): void {
  const most = ({ module }: AdaptedModule): number => Math.floor(Math.min(module.inFeatures, module.outFeatures) / 2);
  const misfit = adapted.find((one) => one.rank > most(one));
  if (!misfit) return;
  const { rank, module } = misfit;
  throw usageError(
    'BAD_RANK',
    `LoRA-GA needs twice as many directions as ranks, so rank ${rank} does not fit target ${module.target} ` +
      `(${module.inFeatures} in, ${module.outFeatures} out); choose a whole number from 1 to ${most(misfit)}.`,
    { rank, largest: most(misfit), target: module.target },
  );
}

function updateRows(cell: Cell): FillRow {
  const update = lowRankFor(partOf(cell, 'lora_A'), partOf(cell, 'lora_B'), cell.module.layout);
  return (row, into) => lowRankRow(update, row, into);
}

/**
 * W' = m·(W + s·BA)/||W + s·BA||, per output (Liu et al. 2024, eq. 5). Norms of outputs that are columns take a pass of
 * their own.
 */
function doraEdit(tensor: BaseTensor, cell: Cell): EditRows {
  const delta = deltaOf(cell, updateRows(cell));
  const { data: magnitude } = partOf(cell, 'lora_magnitude_vector');
  const { width } = rowsOf(tensor);
  const { layout } = cell.module;
  let columnNorms: Float64Array | undefined;
  return (rows, startRow) => {
    const moved = Float64Array.from(rows);
    addDelta(moved, startRow, width, delta);
    if (layout === 'in_out')
      columnNorms ??= outputNorms(tensor, layout, (some, start) => addDelta(some, start, width, delta));
    const factors = columnNorms
      ? columnNorms.map((norm, output) => magnitude[output]! / norm)
      : rowFactors(moved, startRow, delta, magnitude);
    for (let i = 0; i < moved.length; i++)
      rows[i] = moved[i]! * factors[columnNorms ? i % width : Math.floor(i / width)]!;
  };
}

/** m/||row|| of each of these rows. */
function rowFactors(rows: Float64Array, startRow: number, { width }: Delta, magnitude: Float32Array): Float64Array {
  return Float64Array.from({ length: rows.length / width }, (_, i) => {
    let square = 0;
    for (const value of rows.subarray(i * width, (i + 1) * width)) square += value * value;
    return magnitude[startRow + i]! / Math.sqrt(square);
  });
}
