/**
 * Whether a merged folder behaves as base + adapter: the folder is read back from disk like any stranger's, both see
 * the same tokens, and their logits are compared at every position. Merging is exact up to rounding (Hu et al. 2021,
 * section 4.1), so the tolerance follows from the dtype.
 */
import * as tf from '@tensorflow/tfjs-core';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import type { DtypeName } from '../../safetensors/dtype.ts';
import { argmax } from '../../engine/generate/sample.ts';
import { generateTokens } from '../../engine/generate/generate.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { TaskSum } from '../../methods/taskSum.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { Random } from '../../../src-shared/random.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { loadDecoder } from '../loadDecoder.ts';
import type { ParityCertificate, TaskDir } from '../../../src-shared/exports.ts';

export type Parity = Pick<
  ParityCertificate,
  'prompts' | 'tokensCompared' | 'maxLogitDifference' | 'maxLogit' | 'equalGreedyShare' | 'tolerance' | 'passed'
>;

export interface ParityInput {
  base: BaseModel;
  /** What was merged; see MergeParams. */
  tasks: TaskDir[];
  mergedDir: string;
  prompts: Int32Array[];
  dtype: DtypeName;
  onProgress?: (done: number, total: number) => void;
}

/** Greedy tokens that base + adapter adds to each prompt. */
const CONTINUATION = 16;
/** Logits kept for comparison: 64 MiB. */
const KEPT_LOGITS = 1 << 24;

interface Reference {
  /** Prompt and continuation. */
  ids: Int32Array;
  promptLength: number;
  logits: Float32Array;
}

export async function parityOf({ base, tasks, mergedDir, prompts, dtype, onProgress }: ParityInput): Promise<Parity> {
  const total = 2 * prompts.length;
  const reference = await withModel(base, tasks, async (model) => {
    const tokens = (prompts[0]?.length ?? 0) + CONTINUATION;
    const kept = prompts.slice(0, Math.max(1, Math.floor(KEPT_LOGITS / (model.spec.vocab * tokens))));
    const references: Reference[] = [];
    for (const prompt of kept) {
      const ids = await continued(model, prompt);
      references.push({ ids, promptLength: prompt.length, logits: await allLogits(model, ids) });
      onProgress?.(references.length, total);
    }
    return references;
  });
  const merged = openBaseModel(mergedDir);
  try {
    return await withModel(merged, [], (model) =>
      compare(model, reference, dtype, (done) => onProgress?.(prompts.length + done, total)),
    );
  } finally {
    merged.close();
  }
}

async function withModel<T>(base: BaseModel, tasks: TaskDir[], use: (model: Decoder) => Promise<T>): Promise<T> {
  const plain = loadDecoder(base, { forwardOnly: true });
  const adapter = loadTasks(tasks, base);
  try {
    return await use(plain.with(adapter));
  } finally {
    adapter?.dispose();
    plain.dispose();
  }
}

/** One adapter as it is, several as the sum of scale·adapter. */
function loadTasks(tasks: TaskDir[], base: BaseModel): Adapter | null {
  const loaded = tasks.map(({ adapterDir, scale }) => ({
    adapter: loadAdapter(adapterDir, base),
    scale,
  }));
  const [first] = loaded;
  if (!first) return null;
  return loaded.length === 1 && first.scale === 1 ? first.adapter : new TaskSum(loaded);
}

async function continued(model: Decoder, prompt: Int32Array): Promise<Int32Array> {
  const ids = [...prompt];
  const options = { maxNew: CONTINUATION, temperature: 0, eosIds: [], random: new Random(0) };
  for await (const id of generateTokens(model, prompt, options)) ids.push(id);
  return Int32Array.from(ids);
}

/** (T, V), row by row. */
async function allLogits(model: Decoder, ids: Int32Array): Promise<Float32Array> {
  const logits = tf.tidy(() => model.logits(model.hidden(ids, 1, ids.length)));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

async function compare(
  model: Decoder,
  references: Reference[],
  dtype: DtypeName,
  onProgress: (done: number) => void,
): Promise<Parity> {
  const V = model.spec.vocab;
  let maxLogitDifference = 0;
  let maxLogit = 0;
  let greedy = 0;
  let equal = 0;
  let tokensCompared = 0;
  for (const [index, { ids, promptLength, logits: want }] of references.entries()) {
    const got = await allLogits(model, ids);
    for (let i = 0; i < want.length; i++) {
      const difference = Math.abs(got[i]! - want[i]!);
      // The negated comparison also catches NaN.
      if (!(difference <= maxLogitDifference)) maxLogitDifference = Number.isNaN(difference) ? Infinity : difference;
      maxLogit = Math.max(maxLogit, Math.abs(want[i]!));
    }
    for (let t = promptLength - 1; t < ids.length; t++) {
      greedy++;
      if (argmax(got.subarray(t * V, (t + 1) * V)) === argmax(want.subarray(t * V, (t + 1) * V))) equal++;
    }
    tokensCompared += ids.length;
    onProgress(index + 1);
  }
  const tolerance = logitTolerance(dtype, model.spec.layers, maxLogit);
  return {
    prompts: references.length,
    tokensCompared,
    maxLogitDifference,
    maxLogit,
    equalGreedyShare: equal / greedy,
    tolerance,
    passed: maxLogitDifference <= tolerance,
  };
}

/**
 * Largest acceptable logit difference. Rounding a weight to the dtype errs by at most u (relative); through 2L layers
 * such errors add up like a random walk, hence u·sqrt(2L)·maxLogit, times 4 for the largest of many values. Measured on
 * the golden models and on stories260K: 0.5 to 2.7 of these units for f16 and bf16, whereas an alpha that is 10 % off
 * gives 3 to 16 in bf16. For f32, u is that of float32 sums in another order (about 100 of its own units, of which
 * small models need 13), not of one rounding.
 */
export function logitTolerance(dtype: DtypeName, layers: number, maxLogit: number): number {
  const unit: Record<DtypeName, number> = { f32: 100 * 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 };
  return 4 * unit[dtype] * Math.sqrt(2 * layers) * Math.max(1, maxLogit);
}
