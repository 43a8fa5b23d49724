/**
 * Merges adapters into their base model: W' = W + scale (B A), Hu et al. 2021, section 4.1, and what LoHa, LoKr, DoRA
 * and trained biases have in its place, tensor by tensor into a complete Hugging Face folder. Sums run in float64, each
 * weight is rounded to float32 once and then to the wanted dtype. Several adapters: W + s·B1A1 + t·B2A2.
 */
import type { BaseModel } from '../basemodel/baseModel.ts';
import { assertAdapterFitsBase } from '../adapters/peftLora.ts';
import { rewriteBaseModel, type RewriteOptions, type WrittenModel } from '../basemodel/rewrite.ts';
import type { StoredAdapter } from '../adapters/storedAdapter.ts';
import { usageError } from '../../src-shared/errors.ts';
import { addedEdits, mergedEdits, type WeightsContent } from './edits.ts';
import { assertAdditive, weightsOf } from './mergeable.ts';

/** `checkpoint` is the base, which is only read. */
export interface MergeOptions extends Omit<RewriteOptions, 'edit'> {
  adapter: StoredAdapter;
}

/**
 * Writes the merged model to `outDir`, whole or not at all.
 * Throws GraftError ADAPTER_* when the adapter does not belong to the base, NOT_MERGEABLE, and as rewriteBaseModel.
 */
export async function mergeAdapter(options: MergeOptions): Promise<WrittenModel> {
  return mergeTasks({ ...options, tasks: [{ adapter: options.adapter, weight: 1 }] });
}

export interface Task {
  adapter: StoredAdapter;
  /** Factor on the adapter's own scale; negative takes it away. */
  weight: number;
}

/** Writes base + sum of weight·adapter. Throws as mergeAdapter, and NOT_ADDITIVE for what cannot be weighted. */
export async function mergeTasks(options: Omit<RewriteOptions, 'edit'> & { tasks: Task[] }): Promise<WrittenModel> {
  const parts = contentsOf(options.tasks, options.checkpoint);
  const [only] = parts;
  const edit = parts.length === 1 && only!.weight === 1 ? mergedEdits(only!.content) : addedEdits(parts);
  return rewriteBaseModel({ ...options, edit });
}

function contentsOf(tasks: Task[], checkpoint: BaseModel): { content: WeightsContent; weight: number }[] {
  if (tasks.length === 0) throw usageError('NO_ADAPTER', 'There is no adapter to merge; name at least one.');
  const parts = tasks.map(({ adapter, weight }) => ({
    adapter,
    content: weightsOf(adapter, assertAdapterFitsBase(adapter, checkpoint)),
    weight,
  }));
  if (parts.length > 1 || parts[0]!.weight !== 1)
    for (const { adapter, content } of parts) assertAdditive(adapter.dir, content, 'merged by itself at scale 1');
  return parts;
}
