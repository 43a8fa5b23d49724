/**
 * How much memory a run will take, before it starts: one step on a backend whose tensors have no values
 * (engine/backends/shapes.ts) says what weights, trained values, gradients, moments and activations come to at the
 * worst moment.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { onShapes } from '../../engine/backends/shapes.ts';
import { Decoder } from '../../engine/model/decoder.ts';
import { countParameters, type Parameter } from '../../engine/model/parameters.ts';
import { AdamW } from '../../engine/optim/adamw.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { trainStep } from '../../engine/train/step.ts';
import { attachMethod } from '../../methods/attach.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { MemoryEstimate } from '../../../src-shared/plan.ts';
import type { Draft } from '../train/draft.ts';
import { methodOf } from '../../methods/registry.ts';

/**
 * What an engine takes beside tensors, and how much more its allocator holds than the tensors that come and go: more
 * where blocks are computed again, since memory that is freed in pieces is taken again in other pieces. Measured.
 */
export const OVERHEAD: Record<BackendName, { processBytes: number; slack: number; slackRecomputing: number }> = {
  tensorflow: { processBytes: 225 * 2 ** 20, slack: 1.8, slackRecomputing: 2.5 },
  wasm: { processBytes: 132 * 2 ** 20, slack: 1.65, slackRecomputing: 1.65 },
  webgpu: { processBytes: 0, slack: 1, slackRecomputing: 1.5 },
};

/** What of a run decides its memory, the batch aside. */
export type Sized = Pick<Draft, 'base' | 'engine' | 'method' | 'train'>;

/** Nothing of the estimate is saved. */
const UNSAVED = { runId: '', task: '', outDir: '' };

/** Of a step on `batch` (twice it, where several are accumulated). No value of the base or the batch is read. */
export async function estimateMemory(run: Sized, batch: Batch): Promise<MemoryEstimate> {
  const engine = run.engine === 'auto' ? 'tensorflow' : run.engine;
  const { weightBytes, trainableBytes, gradientBytes, momentBytes, peakBytes } = await trace(run, batch);
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

interface Traced {
  weightBytes: number;
  trainableBytes: number;
  gradientBytes: number;
  momentBytes: number;
  /** Most bytes of tensors at a time. */
  peakBytes: number;
}

function trace(run: Sized, batch: Batch): Promise<Traced> {
  const { base } = run;
  return onShapes(async (backend) => {
    const model = new Decoder(base.spec, shapesOf(base));
    const weightBytes = backend.heldBytes;
    const method = await attachMethod(model, { ...forShapes(run), ...UNSAVED }, base);
    const trainableBytes = backend.heldBytes - weightBytes;
    const gradientBytes = 4 * countParameters(method.parameters);
    const optimizer = new AdamW(method.parameters, run.train);
    backend.restart();
    const { lr, clip, labelSmoothing, gradientCheckpointing, accumulate } = run.train;
    const options = {
      lr,
      clip,
      labelSmoothing,
      gradientCheckpointing,
      beforeMicroBatch: () => method.beforeTraining('estimate'),
    };
    await trainStep(method.model, method.parameters, optimizer, accumulate > 1 ? [batch, batch] : [batch], options);
    return { weightBytes, trainableBytes, gradientBytes, momentBytes: 2 * gradientBytes, peakBytes: backend.peakBytes };
  });
}

function shapesOf(base: BaseModel): Map<string, Parameter> {
  const expected = expectedTensors(base.spec, {}).filter(({ name, optional }) => !optional || base.tensors.has(name));
  return new Map(expected.map(({ name, shape }) => [name, { name, value: tf.fill(shape, 0) }]));
}

function forShapes(run: Sized): Sized {
  const { method } = run;
  return { ...run, method: methodOf(method.type).forShapes?.(method) ?? method };
}
