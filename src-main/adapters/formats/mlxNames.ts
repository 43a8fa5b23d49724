/** How mlx-lm calls the linear layers of a model: as Hugging Face does, but for GPT-2 and GPT-NeoX. */
import type { ArchitectureSpec, LinearModule } from '../../engine/model/architecture.ts';

/** Path of the list of blocks in mlx-lm's own models (mlx_lm/models/FAMILY.py). */
function blocksOf({ family }: ArchitectureSpec): string {
  return family === 'gpt2' || family === 'gpt_neox' ? 'model.h' : 'model.layers';
}

/** `key`: within its block, as `lora_parameters.keys` names it; `path`: in the model. */
export function mlxNames(module: LinearModule, spec: ArchitectureSpec): { key: string; path: string } {
  const inBlock = `.${module.layer}.`;
  const key = module.module.slice(module.module.indexOf(inBlock) + inBlock.length);
  return { key, path: `${blocksOf(spec)}${inBlock}${key}` };
}
