/** Our kernels for libtensorflow on the processor. */
import * as tf from '@tensorflow/tfjs-core';
import { maskedAttentionOp } from '../../ops/attention.ts';
import { cacheWriteOp } from '../../ops/cacheWrite.ts';
import { layerNormOp } from '../../ops/layerNorm.ts';
import { rmsNormOp } from '../../ops/rmsNorm.ts';
import { rotaryOp, rotaryPerRowOp } from '../../ops/rotary.ts';
import { attentionOfOneQuery, cacheWrite } from './decoding.ts';
import { standBefore, type KernelOf } from './kernel.ts';
import { matMul } from './matMul.ts';
import { smallLayerNorm, smallRmsNorm, smallRotary } from './smallInputs.ts';

/** Values up to which a loop in JavaScript is quicker than libtensorflow's calls. */
const FEW = 1 << 13;

/** tfjs's own product. */
const BATCH_MAT_MUL: KernelOf<Record<'a' | 'b', tf.Tensor>, Record<'transposeA' | 'transposeB', boolean>, tf.Tensor> = {
  kernelName: 'BatchMatMul',
};

let registered = false;

/** Once tfjs-node has registered its own. A second call does nothing. */
export function registerTensorflowKernels(): void {
  if (registered) return;
  registered = true;
  standBefore(
    BATCH_MAT_MUL,
    ({ a, b }) => isMatrix(a) && isMatrix(b),
    (backend, { a, b }, { transposeA, transposeB }) => tf.tidy(() => matMul(backend, a, b, transposeA, transposeB)),
  );
  standBefore(
    cacheWriteOp,
    () => true,
    (backend, { cache, next }, { at }) => [tf.tidy(() => cacheWrite(backend, cache, next, at))],
  );
  standBefore(
    maskedAttentionOp,
    ({ q }, { cap }) => q.shape[2] === 1 && cap === 0,
    (backend, inputs, { scale }) => [tf.tidy(() => attentionOfOneQuery(backend, inputs, scale))],
  );
  standBefore(rotaryOp, ({ x }) => isSmall(x), smallRotary);
  standBefore(rotaryPerRowOp, ({ x }) => isSmall(x), smallRotary);
  standBefore(layerNormOp, ({ x }) => isSmall(x), smallLayerNorm);
  standBefore(rmsNormOp, ({ x }) => isSmall(x), smallRmsNorm);
}

function isMatrix({ shape, dtype }: tf.TensorInfo): boolean {
  return shape.length === 2 && dtype === 'float32';
}

function isSmall({ shape }: tf.TensorInfo): boolean {
  return shape.reduce((product, size) => product * size, 1) <= FEW;
}
