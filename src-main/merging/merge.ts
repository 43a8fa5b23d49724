/**
 * Merges a LoRA adapter into its base model: W' = W + scale (B A), Hu et al. 2021, section 4.1, tensor by tensor into a
 * complete Hugging Face folder. Sums run in float64, each weight is rounded to float32 once and then to the wanted
 * dtype. A tied head is never touched: no adapter of a linear layer reaches the embedding.
 */
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import type { EditRows } from '../checkpoints/editedRows.ts';
import { assertAdapterFitsBase, moduleScale, type PeftAdapter } from '../checkpoints/peft.ts';
import { adaptedModules } from '../checkpoints/peftFit.ts';
import { rewriteCheckpoint, type RewriteOptions, type WrittenCheckpoint } from '../checkpoints/rewrite.ts';
import { addLowRank, lowRankFor } from './lowRank.ts';

/** `checkpoint` is the base, which is only read. */
export interface MergeOptions extends Omit<RewriteOptions, 'edit'> {
  adapter: PeftAdapter;
}

/**
 * Writes the merged model to `outDir`, whole or not at all.
 * Throws GraftError ADAPTER_* when the adapter does not belong to the base, and as rewriteCheckpoint.
 */
export async function mergeAdapter(options: MergeOptions): Promise<WrittenCheckpoint> {
  const { checkpoint, adapter } = options;
  assertAdapterFitsBase(adapter, checkpoint);
  const editFor = adapterEdits(checkpoint, adapter, 1);
  return rewriteCheckpoint({ ...options, edit: ({ name }) => editFor(name) });
}

/** For each weight that the adapter changes: adds `sign` times its update. */
export function adapterEdits(checkpoint: Checkpoint, adapter: PeftAdapter, sign: 1 | -1): (name: string) => EditRows | undefined {
  const adapted = adaptedModules(adapter, checkpoint);
  return (name) => {
    const found = adapted.get(name);
    if (!found) return undefined;
    const update = lowRankFor(adapter.modules.get(found.path)!, found.linear.layout);
    const scale = sign * moduleScale(adapter.config, found.path);
    return (rows, startRow) => addLowRank(rows, startRow, update, scale);
  };
}
