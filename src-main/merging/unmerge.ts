/**
 * Takes a merged adapter out again: W = W' - scale (B A), with the very update that merging added (same sums, same
 * order). What replaced weights instead of adding to them (DoRA, biases) is gone. In float32 both steps round once, so
 * a weight comes back to within half a unit in the last place of W' plus half of W; a merged folder in f16 or bf16 has
 * lost more, and gives back no more than its dtype holds.
 */
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import { assertAdapterFitsBase } from '../adapters/fit.ts';
import { readRowsF32, rowsOf, type TensorInfo } from '../safetensors/read.ts';
import { rewriteBaseModel, type WrittenModel } from '../basemodel/rewrite.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { addedEdits } from './edits.ts';
import type { MergeOptions } from './merge.ts';
import { assertAdditive, assertMergeable } from './mergeable.ts';

export interface UnmergeOptions extends Omit<MergeOptions, 'base'> {
  /** Only read; `adapter` is what was merged into it. */
  merged: BaseModel;
  /** The base before merging, when it is at hand: the result is compared with it. */
  original?: BaseModel;
}

export interface UnmergedModel extends WrittenModel {
  /** Largest |difference| of any weight to the original; null when no original was given. */
  maxDifference: number | null;
}

/** Writes the model without the adapter to `outDir`. Throws GraftError as mergeAdapter, and NOT_ADDITIVE. */
export async function unmergeAdapter(options: UnmergeOptions): Promise<UnmergedModel> {
  const { merged, adapter, original } = options;
  if (original) {
    assertAdapterFitsBase(adapter, original);
    assertSameTensors(original, merged);
  }
  const content = adapter.on(merged);
  assertMergeable(adapter.dir, content);
  assertAdditive(adapter.dir, content, 'merged, not taken out again');
  const written = await rewriteBaseModel({ ...options, base: merged, edit: addedEdits([{ content, scale: -1 }]) });
  return { ...written, maxDifference: original ? compareWith(original, options.outDir) : null };
}

function assertSameTensors(original: BaseModel, merged: BaseModel): void {
  for (const name of new Set([...original.tensors.keys(), ...merged.tensors.keys()])) {
    const [want, got] = [original, merged].map(({ tensors }) => tensors.get(name)?.shape.join(', '));
    if (want === got) continue;
    const show = (shape: string | undefined): string => (shape === undefined ? 'is absent' : `has shape [${shape}]`);
    throw new GraftError(
      'UNMERGE_OTHER_BASE',
      `Tensor ${name} ${show(want)} in ${original.dir}, but ${show(got)} in ${merged.dir}; choose the base ` +
        'model of the merged one.',
      { tensor: name, want: want ?? null, got: got ?? null },
    );
  }
}

/** Largest difference between the written folder and `original`, which has the same tensors. */
function compareWith(original: BaseModel, outDir: string): number {
  const result = openBaseModel(outDir);
  try {
    let worst = 0;
    for (const [name, tensor] of result.tensors) {
      const before = original.tensors.get(name);
      if (before) worst = Math.max(worst, maxDifference(before, tensor));
    }
    return worst;
  } finally {
    result.close();
  }
}

const CHUNK_ELEMENTS = 4 << 20;

function maxDifference(a: TensorInfo, b: TensorInfo): number {
  const { rows, width } = rowsOf(a);
  const chunkRows = Math.max(1, Math.floor(CHUNK_ELEMENTS / Math.max(1, width)));
  let worst = 0;
  for (let start = 0; start < rows; start += chunkRows) {
    const count = Math.min(chunkRows, rows - start);
    const left = readRowsF32(a, start, count);
    const right = readRowsF32(b, start, count);
    for (let i = 0; i < left.length; i++) worst = Math.max(worst, Math.abs(left[i]! - right[i]!));
  }
  return worst;
}
