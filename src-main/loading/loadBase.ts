/**
 * Brings the weights of a base model onto the current backend, some runs of rows at a time: packed in threads, or read
 * out of the cache of packed forms. What this process holds meanwhile does not depend on the size of the model.
 */
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { valuesToFill } from '../engine/backends/takenOver.ts';
import { tensorToFill } from '../engine/backends/uploads.ts';
import { inPieces, pieceName, type Parameter } from '../engine/model/parameters.ts';
import type { WeightForm, WeightPiece } from '../engine/model/weightLayout.ts';
import { disposeWeights, layoutOf, weightOf, type LoadOptions, type Weights } from '../engine/model/weights.ts';
import type { LoadProgress } from '../../src-shared/loadProgress.ts';
import { LoadMeter } from './loadMeter.ts';
import { keyOf, loadMatrix, type LoadingTools, type MatrixPart, type PartTarget } from './loadMatrix.ts';
import { matrixBytes } from './matrixLayout.ts';
import { PackedCache } from './packedCache.ts';
import type { PackedKey } from './packedFile.ts';
import { cancelledLoading, packersHere, packersInThreads } from './packThreads.ts';
import { isStreamed, partOf } from './partsOf.ts';
import { RunGate } from './runGate.ts';

export interface BaseLoading extends LoadOptions {
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** What the user should know, a sentence each. */
  onNote?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Of packed forms; null: none. Absent: Graft's own, for a base that is worth it. */
  cache?: PackedCache | null;
  /** As of LoadingTools. */
  runBytes?: number;
  /** Absent: where there is enough to pack. */
  inThreads?: boolean;
}

/** Packing fewer takes less than a second, and starting threads takes as long as packing them. */
const WORTH_KEEPING = 64e6;
const WORTH_THREADS = 8e6;
const RUN_BYTES = 16 << 20;
/** Matrices that are begun at once: while the last runs of one are under way, the next has begun. */
const MATRICES_AT_ONCE = 3;

interface Job {
  name: string;
  form: WeightForm;
}

interface PartJob {
  part: MatrixPart;
  key: PackedKey | undefined;
  /** Of the whole weight. */
  form: WeightForm;
}

/**
 * Every weight that the model keeps, in the order of the file. The caller disposes them with `disposeWeights`. Throws
 * WEIGHT_OUT_OF_RANGE for a value that its form cannot hold, and CANCELLED.
 */
export async function loadBase(base: BaseModel, options: BaseLoading = {}): Promise<Weights> {
  const { onProgress = () => undefined, onNote = () => undefined, signal } = options;
  const fills = tf.getBackend() === 'webgpu';
  const layout = layoutOf(base.spec, base, options);
  const jobs = [...layout].map(([name, form]) => ({ name, form }));
  const streamed = base.changed ? [] : jobs.filter(({ form }) => isStreamed(form, fills));
  const parts = new Map(streamed.map((job) => [job.name, partJobs(base, job)]));
  const packed = [...parts.values()].flat();
  const weightsOf = (list: Job[]): number => list.reduce((sum, { form }) => sum + count(form.shape), 0);
  const cache = options.cache === undefined ? ownCache(packed) : options.cache;
  const meter = new LoadMeter(weightsOf(jobs), onProgress);
  const missing = cache ? packed.filter(({ key }) => key && !cache.has(key)) : packed;
  meter.packs = missing.some(({ key }) => key !== undefined);
  const reason = cache?.reserve(bytesOf(missing), keysOf(packed)) ?? null;
  if (reason !== null) onNote(reason);
  const { runBytes = RUN_BYTES, inThreads = weightsOf(streamed) >= WORTH_THREADS } = options;
  const packers = (inThreads ? packersInThreads : packersHere)(signal);
  const tools: LoadingTools = {
    packers,
    runBytes,
    gate: new RunGate(packers.width),
    onWeights: (n) => meter.add(n),
    note: onNote,
    cache,
    keeps: reason === null,
  };
  const found = new Map<string, Parameter>();
  try {
    await someAtOnce(jobs, async ({ name, form }) => {
      if (signal?.aborted) throw cancelledLoading();
      const own = parts.get(name);
      if (own) return void found.set(name, await streamedWeight(name, form, own, tools));
      const values = valuesToFill(count(form.shape));
      await base.fillF32(name, values);
      found.set(name, weightOf(name, values, form));
      meter.add(count(form.shape));
      await setImmediate(); // a message that calls this off gets in
    });
  } catch (error) {
    disposeWeights(found);
    throw error;
  } finally {
    packers.end();
  }
  return new Map(jobs.map(({ name }) => [name, found.get(name)!]));
}

function partJobs(base: BaseModel, { name, form }: Job): PartJob[] {
  return form.pieces.map((piece: WeightPiece) => {
    const part = partOf(base, name, form, piece);
    return { part, key: keyOf(base, part), form };
  });
}

const keysOf = (jobs: PartJob[]): PackedKey[] => jobs.flatMap(({ key }) => key ?? []);

function bytesOf(jobs: PartJob[]): number {
  const kept = jobs.filter(({ key }) => key !== undefined);
  return kept.reduce((sum, { part: { format, R, C } }) => sum + matrixBytes(format, R, C).totalBytes, 0);
}

function ownCache(jobs: PartJob[]): PackedCache | null {
  const weights = jobs.reduce((sum, { part: { R, C }, key }) => sum + (key ? R * C : 0), 0);
  return weights < WORTH_KEEPING ? null : new PackedCache();
}

const count = (shape: number[]): number => shape.reduce((product, n) => product * n, 1);

async function streamedWeight(
  name: string,
  form: WeightForm,
  jobs: PartJob[],
  tools: LoadingTools,
): Promise<Parameter> {
  const done: Parameter[] = [];
  try {
    for (const job of jobs) {
      const own = jobs.length === 1 ? name : pieceName(name, job.part.firstRow);
      done.push(await streamedPart(own, form, job, tools));
    }
  } catch (error) {
    for (const { value } of done) value.dispose();
    throw error;
  }
  return jobs.length === 1 ? done[0]! : inPieces(name, done);
}

async function streamedPart(
  name: string,
  { shape, dtype }: WeightForm,
  { part, key }: PartJob,
  tools: LoadingTools,
): Promise<Parameter> {
  const { R, C, format } = part;
  const { totalBytes } = matrixBytes(format, R, C);
  const packed = dtype === 'f32' ? {} : { packed: { format: dtype, shape: [R, C] as [number, number] } };
  if (tf.getBackend() === 'webgpu') {
    const { tensor, put } = tensorToFill(
      dtype === 'f32' ? [R, ...shape.slice(1)] : [totalBytes / 4],
      dtype === 'f32' ? 'float32' : 'int32',
    );
    try {
      await loadMatrix(part, key, { put }, tools);
    } catch (error) {
      tensor.dispose();
      throw error;
    }
    return { name, value: tensor, ...packed };
  }
  const whole = new SharedArrayBuffer(totalBytes);
  const target: PartTarget = { whole, put: () => Promise.resolve() };
  await loadMatrix(part, key, target, tools);
  return { name, value: tf.tensor1d(new Int32Array(whole), 'int32'), ...packed };
}

/** `work` on each of the items, in their order, a few at once; after a failure no further one begins. */
async function someAtOnce<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: MATRICES_AT_ONCE }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
