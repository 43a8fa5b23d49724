/**
 * Work on the backend that computes nothing (shapeBackend.ts): a training step that runs on it tells how much memory
 * the same step needs, whatever the method and the model.
 */
import * as tf from '@tensorflow/tfjs-core';
import { registerShapeKernels } from '../kernels/shapes/register.ts';
import { registerTfjsGradients } from '../ops/tfjsGradients.ts';
import { ShapeBackend } from './shapeBackend.ts';

const NAME = 'shapes';

/** f on the shape backend, fresh and empty; afterwards the engine in use before is back. */
export async function onShapes<T>(f: (backend: ShapeBackend) => Promise<T>): Promise<T> {
  registerTfjsGradients();
  registerShapeKernels();
  const before: string | undefined = tf.getBackend(); // none in a process that only plans
  const backend = new ShapeBackend();
  tf.registerBackend(NAME, () => backend);
  await tf.setBackend(NAME);
  try {
    return await f(backend);
  } finally {
    if (before) await tf.setBackend(before);
    tf.removeBackend(NAME);
  }
}
