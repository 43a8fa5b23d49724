/**
 * Our kernels for libtensorflow on the processor. Each stands before the kernel that has its name, tfjs's or the
 * composite of `ops/`, and takes over the inputs that it is better at.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../ops/define.ts';
import '../../ops/attention.ts';
import '../../ops/cacheWrite.ts';
import '../../ops/layerNorm.ts';
import '../../ops/rmsNorm.ts';
import '../../ops/rotary.ts';
import { attentionOfOne, cacheWrite } from './cache.ts';
import { matMul } from './matMul.ts';
import { layerNormOfFew, rmsNormOfFew, rotaryOfFew } from './attentionOfFew.ts';
import type { TensorflowBackend } from './raw.ts';

/** Values up to which a loop in JavaScript is quicker than libtensorflow's calls. */
const FEW = 1 << 13;

type Inputs = Record<string, tf.TensorInfo>;
type Kernel = (backend: TensorflowBackend, inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[];

let registered = false;

/** Once tfjs-node has registered its own. A second call does nothing. */
export function registerTensorflowKernels(): void {
  if (registered) return;
  registered = true;
  before(
    'BatchMatMul',
    ({ a, b }) => isMatrix(a!) && isMatrix(b!),
    (backend, { a, b }, { transposeA, transposeB }) =>
      tf.tidy(() => matMul(backend, a!, b!, transposeA as boolean, transposeB as boolean)),
  );
  before(
    'GraftCacheWrite',
    () => true,
    (backend, { cache, next }, { at }) => [tf.tidy(() => cacheWrite(backend, cache!, next!, at as number))],
  );
  const oneQuery = ({ q }: Inputs, { cap }: Attributes): boolean => q!.shape[2] === 1 && cap === 0;
  before('GraftMaskedAttention', oneQuery, (backend, { q, k, v, mask }, { scale }) => [
    tf.tidy(() => attentionOfOne(backend, q!, k!, v!, mask!, scale as number)),
  ]);
  before('GraftRotary', ({ x }) => isFew(x!), rotaryOfFew);
  before('GraftRotaryPerRow', ({ x }) => isFew(x!), rotaryOfFew);
  before('GraftLayerNorm', ({ x }) => isFew(x!), layerNormOfFew);
  before('GraftRmsNorm', ({ x }) => isFew(x!), rmsNormOfFew);
}

function before(
  kernelName: string,
  applies: (inputs: Inputs, attributes: Attributes) => boolean,
  kernel: Kernel,
): void {
  const { kernelFunc: usual } = tf.getKernel(kernelName, 'tensorflow');
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: (args) => {
      const inputs = args.inputs as Inputs;
      const attributes = (args.attrs ?? {}) as Attributes;
      return applies(inputs, attributes) ? kernel(args.backend as TensorflowBackend, inputs, attributes) : usual(args);
    },
  });
}

function isMatrix({ shape, dtype }: tf.TensorInfo): boolean {
  return shape.length === 2 && dtype === 'float32';
}

function isFew({ shape }: tf.TensorInfo): boolean {
  return shape.reduce((product, size) => product * size, 1) <= FEW;
}
