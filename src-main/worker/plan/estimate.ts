/**
 * How much memory a run will take, before it starts. For a graphics card a step is taken with the card's own kernels
 * and buffers, on a device that computes nothing (engine/backends/dryWebgpu.ts); for the processor on a backend whose
 * tensors have no values (engine/backends/shapes.ts), beside which the allocator's share is measured.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { collate } from '../../datasets/batches.ts';
import { withOtherAnswer } from '../../datasets/otherAnswers.ts';
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import type { BufferPool } from '../../engine/backends/bufferPool.ts';
import { USUAL_LIMITS } from '../../engine/backends/dryDevice.ts';
import { onDryWebgpu } from '../../engine/backends/dryWebgpu.ts';
import type { ShapeBackend } from '../../engine/backends/shapeBackend.ts';
import { onShapes } from '../../engine/backends/shapes.ts';
import type { DeviceLimits } from '../../engine/backends/gpuDevice.ts';
import { Decoder } from '../../engine/model/decoder.ts';
import { countParameters, inPieces, pieceName, type Parameter } from '../../engine/model/parameters.ts';
import { weightLayout, type WeightForm } from '../../engine/model/weightLayout.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import type { PreferenceBatch } from '../../engine/train/preference/batch.ts';
import { referencePoint } from '../../engine/train/preference/objectiveLoss.ts';
import { accumulatePreference } from '../../engine/train/preference/step.ts';
import { applyGradients, trainStep, type StepOptions } from '../../engine/train/step.ts';
import { attachMethod } from '../../methods/attach.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import { isPaired, type Objective } from '../../../src-shared/objectives.ts';
import type { MemoryEstimate } from '../../../src-shared/plan.ts';
import type { Draft } from '../train/draft.ts';
import { methodOf } from '../../methods/registry.ts';

/**
 * What an engine takes beside tensors, and how much more its allocator holds than the tensors that come and go: more
 * where blocks are computed again, since memory that is freed in pieces is taken again in other pieces. Measured. On a
 * card the buffers are counted themselves.
 */
export const OVERHEAD: Record<BackendName, { processBytes: number; slack: number; slackRecomputing: number }> = {
  tensorflow: { processBytes: 225 * 2 ** 20, slack: 1.8, slackRecomputing: 2.5 },
  wasm: { processBytes: 132 * 2 ** 20, slack: 1.65, slackRecomputing: 1.65 },
  webgpu: { processBytes: 0, slack: 1, slackRecomputing: 1 },
};

/** What of a run decides its memory, the batch aside. */
export type Sized = Pick<Draft, 'base' | 'baseDtype' | 'embeddingDtype' | 'engine' | 'method' | 'train'> &
  Partial<Pick<Draft, 'objective'>> & {
    /** The largest buffer that the card binds; absent: as most cards do. */
    bindingBytes?: number | undefined;
  };

/** Nothing of the estimate is saved. */
const UNSAVED = { runId: '', task: '', outDir: '' };

/** Of a step on `batch` (twice it, where several are accumulated). No value of the base or the batch is read. */
export async function estimateMemory(run: Sized, batch: Batch): Promise<MemoryEstimate> {
  const engine = run.engine === 'auto' ? 'tensorflow' : run.engine;
  const { weightBytes, trainableBytes, gradientBytes, momentBytes, peakBytes } = await trace(
    run,
    engine,
    batch,
    limitsOf(run),
  );
  const { processBytes, ...slacks } = OVERHEAD[engine];
  const slack = run.train.gradientCheckpointing ? slacks.slackRecomputing : slacks.slack;
  const activationBytes = slack * (peakBytes - weightBytes) - trainableBytes - gradientBytes - momentBytes;
  return {
    engine,
    totalBytes: processBytes + weightBytes + slack * (peakBytes - weightBytes),
    processBytes,
    weightBytes,
    trainableBytes,
    gradientBytes,
    momentBytes,
    activationBytes,
  };
}

function limitsOf({ bindingBytes = USUAL_LIMITS.maxStorageBufferBindingSize }: Sized): DeviceLimits {
  return { ...USUAL_LIMITS, maxStorageBufferBindingSize: bindingBytes };
}

interface Traced {
  weightBytes: number;
  trainableBytes: number;
  gradientBytes: number;
  momentBytes: number;
  /** Most bytes of tensors at a time; on a card, of buffers. */
  peakBytes: number;
}

/** What counts the bytes of a step. */
interface Counter {
  peakBytes(): number;
  restart(): void;
}

function trace(run: Sized, engine: BackendName, batch: Batch, limits: DeviceLimits): Promise<Traced> {
  if (engine !== 'webgpu') return onShapes((backend) => scoped(() => traceStep(run, batch, 1, countOfShapes(backend))));
  return onDryWebgpu(limits, (pool) => scoped(() => traceStep(run, batch, 2, countOfCard(pool))));
}

/** f's result; what tensors f made are gone afterwards. */
async function scoped<T>(f: () => Promise<T>): Promise<T> {
  tf.engine().startScope();
  try {
    return await f();
  } finally {
    tf.engine().endScope();
  }
}

const countOfShapes = (backend: ShapeBackend): Counter => ({
  peakBytes: () => backend.peakBytes,
  restart: () => backend.restart(),
});

const countOfCard = (pool: BufferPool): Counter => ({
  peakBytes: () => pool.peakBytes,
  restart: () => pool.restartPeak(),
});

/** `steps`: buffers that are kept for later fit the second step better than the first, or do not. */
async function traceStep(run: Sized, batch: Batch, steps: number, count: Counter): Promise<Traced> {
  const { base, train } = run;
  const before = tf.memory().numBytes; // of a model in the engine of before
  const model = new Decoder(base.spec, shapesOf(run));
  const weightBytes = tf.memory().numBytes - before;
  const method = await attachMethod(model, { ...forShapes(run), ...UNSAVED }, base);
  const trainableBytes = tf.memory().numBytes - before - weightBytes;
  const gradientBytes = 4 * countParameters(method.parameters);
  const optimizer = new AdamW(method.parameters, train);
  count.restart();
  const { lr, clip, labelSmoothing, gradientCheckpointing, accumulate } = train;
  const options = {
    lr,
    clip,
    gradientCheckpointing,
    beforeMicroBatch: () => method.beforeTraining('estimate'),
  };
  const batches = accumulate > 1 ? [batch, batch] : [batch];
  const { model: tuned, parameters } = method;
  for (let step = 0; step < steps; step++)
    if (run.objective) await choose(tuned, parameters, optimizer, batches, run.objective, options);
    else await trainStep(tuned, parameters, optimizer, batches, { ...options, labelSmoothing });
  const peakBytes = count.peakBytes();
  model.dispose();
  return { weightBytes, trainableBytes, gradientBytes, momentBytes: 2 * gradientBytes, peakBytes };
}

/** A step over choices, with KTO's pass before it; the reference's, without gradients too, takes no more than that. */
async function choose(
  model: Decoder,
  parameters: Parameter[],
  optimizer: AdamW,
  batches: Batch[],
  objective: Objective,
  options: StepOptions,
): Promise<void> {
  const choices = batches.map((rows): PreferenceBatch => ({
    rows,
    reference: new Float32Array(rows.B),
    ...(isPaired(objective) ? {} : { good: new Uint8Array(rows.B) }),
    mismatched: { rows: withShortAnswers(rows), reference: new Float32Array(rows.B) },
  }));
  if (objective.type === 'kto') await referencePoint(model, choices, objective);
  const { logProbs, ...sums } = accumulatePreference(model, parameters, choices, objective, options);
  tf.dispose(logProbs);
  await applyGradients(optimizer, sums, options);
}

/** Each prompt with the shortest answer: of another length, so that a card's buffers are others, too. */
function withShortAnswers({ ids, labels, mask, B, T }: Batch): Batch {
  const rows = Array.from({ length: B }, (_, b) => {
    const end = b * T + mask.subarray(b * T, (b + 1) * T).lastIndexOf(1) + 1;
    return { ids: ids.subarray(b * T, end), labels: labels.subarray(b * T, end) };
  });
  const shortest = rows.reduce((best, row) => (row.ids.length < best.ids.length ? row : best));
  const others = rows.map((row) => withOtherAnswer(row, shortest, T));
  return collate(others, [...others.keys()], 0);
}

/** Every weight in the form and the pieces that the loader would give it. */
function shapesOf({ base, baseDtype, embeddingDtype }: Sized): Map<string, Parameter> {
  const expected = expectedTensors(base.spec, {}).filter(({ name, optional }) => !optional || base.tensors.has(name));
  const tensors = expected.map(({ name, shape }): [string, { shape: number[] }] => [name, { shape }]);
  const layout = weightLayout(base.spec, tensors, { baseDtype, embeddingDtype }, mostBytesPerBinding());
  return new Map([...layout].map(([name, form]) => [name, parameterOf(name, form)]));
}

function parameterOf(name: string, { shape, dtype, pieces }: WeightForm): Parameter {
  const [, ...others] = shape;
  const parts = pieces.map(({ startRow, rows, bytes }): Parameter => {
    const own = pieces.length > 1 ? { name: pieceName(name, startRow), shape: [rows, ...others] } : { name, shape };
    if (dtype === 'f32') return { name: own.name, value: tf.fill(own.shape, 0) };
    const value = tf.fill([bytes / 4], 0, 'int32');
    return { name: own.name, value, packed: { format: dtype, shape: own.shape as [number, number] } };
  });
  const [only] = parts;
  return only && parts.length === 1 ? only : inPieces(name, parts);
}

function forShapes(run: Sized): Sized {
  const { method } = run;
  return { ...run, method: methodOf(method.type).forShapes?.(method) ?? method };
}
