/**
 * Computes the gradients of a step within the memory at hand. Where it runs out, every micro-batch is cut in half and
 * the step is computed again over twice as many. Rows, effective batch and step stay the same.
 */
import * as tf from '@tensorflow/tfjs-core';
import { orShortOfMemory } from '../../engine/backends/deviceWatch.ts';
import { dropFreeBuffers } from '../../engine/backends/tfjsInternals.ts';
import { isOutOfMemory, withinMemory } from '../../engine/train/memoryLimit.ts';
import type { LossOptions, StepGradients } from '../../engine/train/step.ts';
import { roomFor } from '../plan/memoryRoom.ts';
import { outOfMemory } from './outOfMemory.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { Run } from './run.ts';
import type { RowShare } from './shareOfRows.ts';
import { workOn, type MeasuredStep } from './stepWork.ts';

/**
 * What tensors may hold of the room that the plan told; null: only the engine itself says when memory has run out. Ask
 * when the model is loaded. `processes`: of this run on the machine, which share what is free; a limit is of each.
 */
export function tensorLimits(
  engine: BackendName,
  gpu: boolean,
  memoryLimitBytes: number | undefined,
  processes: number,
): Pick<Run, 'tensorLimitBytes' | 'mostTensorBytes'> {
  const onCard = engine === 'webgpu' || gpu;
  if (onCard && memoryLimitBytes === undefined) return { tensorLimitBytes: null, mostTensorBytes: null };
  const rss = process.memoryUsage.rss();
  const { freeBytes, mostBytes } = roomFor({ engine, train: { memoryLimitBytes } }, { gpu, card: null }, rss)!;
  // A card's memory holds the tensors only.
  const besidesTensors = onCard ? 0 : rss - tf.memory().numBytes;
  const share = (bytes: number): number => (memoryLimitBytes === undefined ? rss + (bytes - rss) / processes : bytes);
  return { tensorLimitBytes: share(freeBytes) - besidesTensors, mostTensorBytes: share(mostBytes) - besidesTensors };
}

/**
 * Gradients of this process's rows, of which there is one at least: its micro-batches in halves where that was or now
 * is needed. Where single rows take more than was free at the start, other programs have to make room; throws
 * OUT_OF_MEMORY where even that is not enough.
 */
export async function gradientsInMemory(
  run: Run,
  { own, before }: Pick<RowShare, 'own' | 'before'>,
  options: LossOptions,
): Promise<MeasuredStep> {
  const { progress, emit } = run;
  for (;;) {
    const partsOf = (rows: number[][]): number[][] => rows.flatMap((microBatch) => cut(microBatch, progress.splits));
    const parts = partsOf(own);
    const { batches, measure } = workOn(run, parts, countedFrom(partsOf(before).length, options));
    try {
      return await measure((compute) => attempt(run, compute));
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      const largest = Math.max(...parts.map((part) => part.length));
      if (largest === 1 && takesMost(run)) continue;
      if (largest === 1) throw outOfMemory(run, batches, error);
      if (run.engine === 'webgpu') dropFreeBuffers();
      progress.splits *= 2;
      const half = Math.ceil(largest / 2);
      emit({
        type: 'log',
        message:
          `Memory ran out in step ${progress.step + 1} with ${largest} rows at a time; the run goes on from ` +
          `there with ${half} at a time and twice the accumulation, so that each step still sees the same rows.`,
      });
    }
  }
}

/** What is drawn at random for the parts of a step, of which `first` come before these. */
function countedFrom(first: number, options: LossOptions): LossOptions {
  const { beforeMicroBatch, inputNoiseOf } = options;
  return {
    ...options,
    ...(beforeMicroBatch && { beforeMicroBatch: (index) => beforeMicroBatch(first + index) }),
    ...(inputNoiseOf && { inputNoiseOf: (index) => inputNoiseOf(first + index) }),
  };
}

/** Whether there is more than what was free at the start; the run may take it from now on. */
function takesMost(run: Run): boolean {
  const { tensorLimitBytes, mostTensorBytes, progress, emit } = run;
  if (tensorLimitBytes === null || mostTensorBytes === null || mostTensorBytes <= tensorLimitBytes) return false;
  run.tensorLimitBytes = mostTensorBytes;
  emit({
    type: 'log',
    message:
      `Step ${progress.step + 1} takes more memory than was free when the run began, even with one row at a time; it ` +
      'goes on, and other programs have to make room.',
  });
  return true;
}

/** `parts` runs of rows of like size, fewer where there are not as many rows. */
function cut(rows: number[], parts: number): number[][] {
  const size = Math.ceil(rows.length / parts);
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

/** Leaves no tensor behind when it fails. */
async function attempt<T extends StepGradients>({ engine, tensorLimitBytes }: Run, all: () => T): Promise<T> {
  const compute = (): T => tf.tidy(() => (tensorLimitBytes === null ? all() : withinMemory(tensorLimitBytes, all)));
  if (engine !== 'webgpu') return compute();
  let sums: T | undefined;
  try {
    return await orShortOfMemory(async () => {
      sums = compute();
      await sums.loss.data(); // a card reports a shortage after the fact
      return sums;
    });
  } catch (error) {
    if (sums) tf.dispose(sums);
    throw error;
  }
}
