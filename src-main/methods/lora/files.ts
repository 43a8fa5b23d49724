/** LoRA outside the engine: settings against a model, PEFT's folders, and merging. */
import { usageError } from '../../../src-shared/errors.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { partOf, type Cell } from '../../adapters/content.ts';
import type { EditOf, MethodFiles } from '../files.ts';
import { adaptedModules, type AdaptedModule } from '../targets.ts';
import { loraEdit, updateRows, type LoraUpdate } from './edit.ts';
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
  rowsOf: (cell) => updateRows(updateOf(cell), cell.module),
  edits({ cells }): EditOf {
    const byWeight = new Map(
      cells.filter(({ parts }) => parts['lora_magnitude_vector']).map((cell) => [cell.module.weight, cell]),
    );
    return (tensor) => {
      const cell = byWeight.get(tensor.name);
      return cell && loraEdit(tensor, updateOf(cell), cell.module);
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

function updateOf(cell: Cell): LoraUpdate {
  return {
    A: partOf(cell, 'lora_A'),
    B: partOf(cell, 'lora_B'),
    magnitude: cell.parts['lora_magnitude_vector'],
    scale: cell.scale,
  };
}
