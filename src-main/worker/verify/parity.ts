/**
 * Whether a merged folder behaves as base + adapter: the folder is read back from disk like any stranger's, both see
 * the same tokens, and their logits are compared at every position. Merging is exact up to rounding (Hu et al. 2021,
 * section 4.1); what rounding does to this model and this adapter is measured, and bounds the difference.
 */
import { openBaseModel, type BaseModel, type BaseTensor } from '../../basemodel/baseModel.ts';
import { FLOAT_DTYPES, type Dtype, type DtypeName } from '../../safetensors/dtype.ts';
import type { EditOf } from '../../methods/files.ts';
import { argmax } from '../../engine/generate/sample.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { allLogits, largestDifference, withModel } from './logits.ts';
import { mergedInMemory } from './mergedInMemory.ts';
import { referencesOf, type Reference } from './reference.ts';
import type { ParityCertificate, TaskDir } from '../../../src-shared/exports.ts';

export type Parity = Pick<
  ParityCertificate,
  | 'prompts'
  | 'tokensCompared'
  | 'maxLogitDifference'
  | 'maxLogit'
  | 'equalGreedyShare'
  | 'tolerance'
  | 'rounding'
  | 'passed'
>;

export interface ParityInput {
  base: BaseModel;
  /** What was merged; see MergeParams. */
  tasks: TaskDir[];
  mergedDir: string;
  prompts: Int32Array[];
  /** What was merged into: the base, perhaps with a head of its own. */
  basis: BaseModel;
  /** What merging does to each tensor, and the type that all weights get; undefined: each keeps its own. */
  edit: EditOf;
  dtype: DtypeName | undefined;
  onProgress?: (done: number, total: number) => void;
}

export async function parityOf(input: ParityInput): Promise<Parity> {
  const { base, tasks, mergedDir, prompts, dtype, onProgress } = input;
  const isRounded = [...base.tensors.values()].some((tensor) => (dtype ? FLOAT_DTYPES[dtype] : tensor.dtype) !== 'F32');
  const total = (isRounded ? 4 : 2) * prompts.length;
  let done = 0;
  const onPrompt = (): void => onProgress?.(++done, total);
  const reference = await referencesOf(base, tasks, prompts, onPrompt);
  const rounding = isRounded ? await roundingOf(input, reference, onPrompt) : 0;
  const merged = openBaseModel(mergedDir);
  try {
    return await withModel(
      merged,
      () => null,
      (model) => compare(model, reference, rounding, onPrompt),
    );
  } finally {
    merged.close();
  }
}

/**
 * Largest change of a logit when the merged weights are rounded to the types of the export: both models are made in
 * memory by the same sums, so that a fault of merging is in both and does not widen the bound.
 */
async function roundingOf(
  { basis, edit, dtype }: ParityInput,
  reference: Reference[],
  onPrompt: () => void,
): Promise<number> {
  const logitsOf = (to?: (tensor: BaseTensor) => Dtype): Promise<Float32Array[]> =>
    withModel(
      mergedInMemory(basis, edit, to),
      () => null,
      async (model) => {
        const all: Float32Array[] = [];
        for (const { ids } of reference) {
          all.push(await allLogits(model, ids));
          onPrompt();
        }
        return all;
      },
    );
  const exact = await logitsOf();
  const rounded = await logitsOf((tensor) => (dtype ? FLOAT_DTYPES[dtype] : tensor.dtype));
  return exact.reduce((most, logits, i) => Math.max(most, largestDifference(logits, rounded[i]!)), 0);
}

async function compare(
  model: Decoder,
  references: Reference[],
  rounding: number,
  onPrompt: () => void,
): Promise<Parity> {
  const V = model.spec.vocab;
  let maxLogitDifference = 0;
  let maxLogit = 0;
  let greedy = 0;
  let equal = 0;
  let tokensCompared = 0;
  for (const { ids, promptLength, logits: want } of references) {
    const got = await allLogits(model, ids);
    maxLogitDifference = Math.max(maxLogitDifference, largestDifference(got, want));
    for (const logit of want) maxLogit = Math.max(maxLogit, Math.abs(logit));
    for (let t = promptLength - 1; t < ids.length; t++) {
      greedy++;
      if (argmax(got.subarray(t * V, (t + 1) * V)) === argmax(want.subarray(t * V, (t + 1) * V))) equal++;
    }
    tokensCompared += ids.length;
    onPrompt();
  }
  const tolerance = MARGIN * rounding + sumTolerance(model.spec.layers, maxLogit);
  return {
    prompts: references.length,
    tokensCompared,
    maxLogitDifference,
    maxLogit,
    equalGreedyShare: equal / greedy,
    tolerance,
    rounding,
    passed: maxLogitDifference <= tolerance,
  };
}

/**
 * The export's weights are the measured ones, so a right export differs by `rounding` itself. A quarter more is for
 * engines whose sums differ from load to load; an alpha that is a tenth too large goes beyond it (merge.test.ts).
 */
const MARGIN = 1.25;

/**
 * Largest logit difference that float32 sums in another order explain: each errs by at most u = 2^-24 (relative), of
 * which small models show 13 and 100 are allowed; through 2L layers such errors add up like a random walk, times 4 for
 * the largest of many values.
 */
export function sumTolerance(layers: number, maxLogit: number): number {
  return 4 * 100 * 2 ** -24 * Math.sqrt(2 * layers) * Math.max(1, maxLogit);
}
