/** What merging does to each tensor of a base: which rows change, and how. Each element is rounded to float32 once. */
import type { AdapterContent } from '../adapters/content.ts';
import { addDelta, deltaOf } from '../methods/delta.ts';
import { filesOf } from '../methods/fileRegistry.ts';
import type { EditOf } from '../methods/files.ts';
import { rowsOf } from '../safetensors/read.ts';

/** One adapter of a merge. */
export interface MergeTerm {
  content: AdapterContent;
  /** Of the whole update, beside the adapter's own scale; negative takes it away. */
  scale: number;
}

/** W + sum of scale·update, for updates that are added; what a method does beyond that is left aside. */
export function addedEdits(terms: MergeTerm[]): EditOf {
  const all = terms.flatMap(({ content: { cells, settings }, scale }) => {
    const fill = filesOf(settings.type).rowsOf;
    return fill ? cells.map((cell) => ({ cell, fill, scale })) : [];
  });
  const byWeight = Map.groupBy(all, ({ cell }) => cell.module.weight);
  return (tensor) => {
    const updates = byWeight
      .get(tensor.name)
      ?.map(({ cell, fill, scale }) => ({ delta: deltaOf(cell, fill(cell)), scale }));
    if (!updates) return undefined;
    const { width } = rowsOf(tensor);
    return (rows, startRow) => {
      // Several updates are summed in float64, so that the weight is rounded once; one alone rounds once anyway.
      const sum = updates.length === 1 ? rows : Float64Array.from(rows);
      for (const { delta, scale } of updates) addDelta(sum, startRow, width, delta, scale);
      if (sum !== rows) rows.set(sum);
    };
  };
}

/** The same for one adapter as it is: it may replace tensors of the base, and its method may do more than add. */
export function mergedEdits(content: AdapterContent): EditOf {
  const own = filesOf(content.settings.type).edits?.(content);
  const added = addedEdits([{ content, scale: 1 }]);
  return (tensor) => {
    const replaced = content.replaced.get(tensor.name);
    if (replaced) return replaced.edit;
    const bias = content.biases.get(tensor.name);
    if (bias) return (rows, startRow) => rows.set(bias.subarray(startRow, startRow + rows.length));
    return own?.(tensor) ?? added(tensor);
  };
}
