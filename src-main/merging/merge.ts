/**
 * Merges adapters into their base model: W' = W + scale (B A), Hu et al. 2021, section 4.1, and what LoHa, LoKr, DoRA
 * and trained biases have in its place, tensor by tensor into a complete Hugging Face folder. Sums run in float64, each
 * weight is rounded to float32 once and then to the wanted dtype. Several adapters: W + s₁·B₁A₁ + s₂·B₂A₂.
 */
import type { BaseModel } from '../basemodel/baseModel.ts';
import { assertAdapterFitsBase } from '../adapters/fit.ts';
import { untiesHead } from '../adapters/replaced.ts';
import { withOwnHead } from '../basemodel/ownHead.ts';
import { rewriteBaseModel, type RewriteOptions, type WrittenModel } from '../basemodel/rewrite.ts';
import type { EditOf } from '../methods/files.ts';
import type { StoredAdapter } from '../adapters/stored.ts';
import { addedEdits, mergedEdits, type MergeTerm } from './edits.ts';
import { assertAdditive, assertMergeable } from './mergeable.ts';

/** The base is only read. */
export interface MergeOptions extends Omit<RewriteOptions, 'edit'> {
  adapter: StoredAdapter;
}

/**
 * Writes the merged model to `outDir`, whole or not at all.
 * Throws GraftError ADAPTER_* when the adapter does not belong to the base, NOT_MERGEABLE, and as rewriteBaseModel.
 */
export async function mergeAdapter(options: MergeOptions): Promise<WrittenModel> {
  return mergeTasks({ ...options, tasks: [{ adapter: options.adapter, scale: 1 }] });
}

export interface Task {
  adapter: StoredAdapter;
  /** Factor on the adapter's own scale; negative takes it away. */
  scale: number;
}

/**
 * Writes base + sum of scale·adapter; with no tasks the base as it is. Throws as mergeAdapter, and NOT_ADDITIVE for
 * what cannot be scaled.
 */
export async function mergeTasks(options: Omit<RewriteOptions, 'edit'> & { tasks: Task[] }): Promise<WrittenModel> {
  const { tasks, base } = options;
  return rewriteBaseModel({ ...options, base: mergeBasis(tasks, base), edit: taskEdits(tasks, base) });
}

/** What the tasks are merged into: the base, with a head of its own where one of them takes it from the embedding. */
export function mergeBasis(tasks: Task[], base: BaseModel): BaseModel {
  const unties = tasks.some(({ adapter }) => untiesHead(assertAdapterFitsBase(adapter, base).replaced, base));
  return unties ? withOwnHead(base) : base;
}

/** What the tasks do to each tensor of the base. Throws as mergeTasks. */
export function taskEdits(tasks: Task[], base: BaseModel): EditOf {
  const terms = termsOf(tasks, base);
  const [first] = terms;
  return first && isAlone(terms) ? mergedEdits(first.content) : addedEdits(terms);
}

/** One adapter as it is, which may also replace what it does not add to. */
function isAlone(terms: Pick<MergeTerm, 'scale'>[]): boolean {
  return terms.length === 1 && terms[0]?.scale === 1;
}

function termsOf(tasks: Task[], base: BaseModel): MergeTerm[] {
  const terms = tasks.map(({ adapter, scale }) => ({ adapter, content: assertAdapterFitsBase(adapter, base), scale }));
  for (const { adapter, content } of terms) assertMergeable(adapter.dir, content);
  if (!isAlone(terms))
    for (const { adapter, content } of terms) assertAdditive(adapter.dir, content, 'merged by itself at scale 1');
  return terms;
}
