/**
 * The shapes that tfjs's kernels give, for the backend that computes nothing. Own ops run there as their composites,
 * but for those of packed matrices, which would be unpacked.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ShapeBackend } from '../../backends/shapeBackend.ts';
import { replaceKernel } from '../../backends/tfjsInternals.ts';
import { COMPARING, OWN, SAME, WITH_BROADCAST, REDUCING, SHAPES, VIEWS, type Shapes } from './shapes.ts';

let registered = false;

/** A second call does nothing. */
export function registerShapeKernels(): void {
  if (registered) return;
  registered = true;
  const all: Record<string, Shapes> = {
    ...Object.fromEntries(SAME.map((name): [string, Shapes] => [name, ([x]) => [x]])),
    ...Object.fromEntries(
      WITH_BROADCAST.map((name): [string, Shapes] => [
        name,
        ([a, b]) => [tf.backend_util.assertAndGetBroadcastShape(a, b)],
      ]),
    ),
    ...Object.fromEntries(
      REDUCING.map((name): [string, Shapes] => [name, ([x], attributes) => [reduced(x, attributes)]]),
    ),
    ...SHAPES,
  };
  for (const [kernelName, shapes] of Object.entries(all))
    register(kernelName, shapes, COMPARING.has(kernelName) ? 'bool' : undefined);
  for (const [kernelName, shapes] of Object.entries(OWN)) register(kernelName, shapes, 'float32');
}

function register(kernelName: string, shapes: Shapes, always?: tf.DataType): void {
  replaceKernel(kernelName, 'shapes', () => ({ inputs, attrs, backend }) => {
    const own = backend as ShapeBackend;
    const tensors = Object.values(inputs).flat() as tf.TensorInfo[];
    const attributes = (attrs ?? {}) as Record<string, unknown>;
    const dtype = COMPARING.has(kernelName)
      ? 'bool'
      : (always ?? (attributes['dtype'] as tf.DataType | undefined) ?? tensors.at(-1)?.dtype ?? 'float32');
    const results = shapes(tensors.map(({ shape }) => shape) as Parameters<Shapes>[0], attributes).map(
      (shape): tf.TensorInfo => {
        const [first] = tensors;
        if (!first || !VIEWS.has(kernelName))
          return { dataId: own.hold(tf.util.sizeFromShape(shape), dtype === 'bool' ? 1 : 4), shape, dtype };
        own.incRef(first.dataId);
        return { dataId: first.dataId, shape, dtype };
      },
    );
    const [only, ...others] = results;
    return only && others.length === 0 && !LISTS.has(kernelName) ? only : results;
  });
}

const LISTS = new Set(['SplitV', 'Unpack']);

function reduced(x: number[], { axis, keepDims }: Record<string, unknown>): number[] {
  const axes = tf.util.parseAxisParam((axis ?? x.map((_, i) => i)) as number | number[], x);
  return keepDims ? x.map((size, i) => (axes.includes(i) ? 1 : size)) : x.filter((_, i) => !axes.includes(i));
}
