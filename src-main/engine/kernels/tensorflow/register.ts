/** Our kernels for libtensorflow on the processor. */
import * as tf from '@tensorflow/tfjs-core';
import { maskedAttentionOp } from '../../ops/attention.ts';
import { cacheWriteOp } from '../../ops/cacheWrite.ts';
import { geluGradOp, geluOp } from '../../ops/gelu.ts';
import { addLayerNormOp, layerNormGradOp, layerNormOp } from '../../ops/layerNorm.ts';
import { addRmsNormOp, rmsNormGradOp, rmsNormOp } from '../../ops/rmsNorm.ts';
import { rotaryOp, rotaryPerRowOp } from '../../ops/rotary.ts';
import { addRowsOp } from '../../ops/scatterAddRows.ts';
import { swigluGradOp, swigluOp } from '../../ops/swiglu.ts';
import { adamwOp } from '../../optim/adamw.ts';
import { addRows } from './addRows.ts';
import { attentionOfOneQuery, cacheWrite, gatherRows } from './decoding.ts';
import { fusedGelu, fusedGeluGrad, fusedSwiglu, fusedSwigluGrad } from './fused/activations.ts';
import { fusedAdamW } from './fused/adamw.ts';
import { fusedAddLayerNorm, fusedAddRmsNorm, fusedLayerNormGrad, fusedRmsNormGrad, sizesFor } from './fused/norms.ts';
import { isLong, LEAST_ELEMENTS } from './fused/pieces.ts';
import { standBefore, type KernelOf } from './kernel.ts';
import { matMul } from './matMul.ts';
import { isRecording } from './recording/record.ts';
import {
  smallAddLayerNorm,
  smallAddRmsNorm,
  smallGelu,
  smallLayerNorm,
  smallRmsNorm,
  smallRotary,
  smallSwiglu,
} from './smallInputs.ts';

/** Values up to which a loop in JavaScript is quicker than libtensorflow's calls. */
const FEW = 1 << 13;
/** The same for SwiGLU, which takes libtensorflow three calls. */
const FEW_GATES = 1 << 11;

/** tfjs's own product. */
const BATCH_MAT_MUL: KernelOf<Record<'a' | 'b', tf.Tensor>, Record<'transposeA' | 'transposeB', boolean>, tf.Tensor> = {
  kernelName: 'BatchMatMul',
};

/** tfjs's own look-up, which reads the indices back to check them. */
const GATHER: KernelOf<Record<'x' | 'indices', tf.Tensor>, { axis: number; batchDims: number }, tf.Tensor> = {
  kernelName: 'GatherV2',
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
    GATHER,
    ({ x, indices }, { axis, batchDims }) =>
      isRecording() && x.dtype === 'float32' && indices.dtype === 'int32' && axis === 0 && batchDims === 0,
    (backend, { x, indices }) => tf.tidy(() => gatherRows(backend, x, indices)),
  );
  standBefore(
    cacheWriteOp,
    () => true,
    (backend, inputs) => [tf.tidy(() => cacheWrite(backend, inputs))],
  );
  standBefore(
    maskedAttentionOp,
    ({ q }, { cap }) => q.shape[2] === 1 && cap === 0,
    (backend, inputs, { scale }) => [tf.tidy(() => attentionOfOneQuery(backend, inputs, scale))],
  );
  standBefore(
    addRowsOp,
    () => true,
    (backend, inputs, { startRow }) => [tf.tidy(() => addRows(backend, inputs, startRow))],
  );
  registerFusedKernels();
  standBefore(rotaryOp, ({ x }) => isSmall(x), smallRotary);
  standBefore(rotaryPerRowOp, ({ x }) => isSmall(x), smallRotary);
  standBefore(layerNormOp, ({ x }) => isSmall(x), smallLayerNorm);
  standBefore(rmsNormOp, ({ x }) => isSmall(x), smallRmsNorm);
  standBefore(addLayerNormOp, ({ x }) => isSmall(x), smallAddLayerNorm);
  standBefore(addRmsNormOp, ({ x }) => isSmall(x), smallAddRmsNorm);
  standBefore(geluOp, ({ x }) => isSmall(x), smallGelu);
  standBefore(swigluOp, ({ gate }) => isSmall(gate, FEW_GATES), smallSwiglu);
}

/** In the place of composites that go over their inputs many times, where these are long. */
function registerFusedKernels(): void {
  const manyValues = (x: tf.TensorInfo): boolean => x.shape.reduce((a, b) => a * b, 1) >= LEAST_ELEMENTS;
  const manyRows = (x: tf.TensorInfo): boolean => isLong(x, sizesFor(x));
  standBefore(
    geluOp,
    ({ x }) => manyValues(x),
    (backend, inputs) => tf.tidy(() => fusedGelu(backend, inputs)) as [tf.Tensor],
  );
  standBefore(
    geluGradOp,
    ({ x }) => manyValues(x),
    (backend, inputs) => tf.tidy(() => fusedGeluGrad(backend, inputs)) as [tf.Tensor],
  );
  standBefore(
    swigluOp,
    ({ up }) => manyValues(up),
    (backend, inputs) => tf.tidy(() => fusedSwiglu(backend, inputs)) as [tf.Tensor],
  );
  standBefore(
    swigluGradOp,
    ({ up }) => manyValues(up),
    (backend, inputs) => tf.tidy(() => fusedSwigluGrad(backend, inputs)) as [tf.Tensor, tf.Tensor],
  );
  standBefore(
    addLayerNormOp,
    ({ x }) => manyRows(x),
    (backend, inputs, { eps }) => tf.tidy(() => fusedAddLayerNorm(backend, { ...inputs, eps: tf.scalar(eps) })),
  );
  standBefore(
    layerNormGradOp,
    ({ dy, others }) => others !== undefined && manyRows(dy),
    (backend, { others, ...inputs }) => [tf.tidy(() => fusedLayerNormGrad(backend, { ...inputs, others: others! }))],
  );
  standBefore(
    addRmsNormOp,
    ({ x }) => manyRows(x),
    (backend, inputs, { eps }) => tf.tidy(() => fusedAddRmsNorm(backend, { ...inputs, eps: tf.scalar(eps) })),
  );
  standBefore(
    rmsNormGradOp,
    ({ dy, others }) => others !== undefined && manyRows(dy),
    (backend, { others, ...inputs }) => [tf.tidy(() => fusedRmsNormGrad(backend, { ...inputs, others: others! }))],
  );
  standBefore(
    adamwOp,
    ({ p }) => manyValues(p),
    (backend, inputs, rates) => tf.tidy(() => fusedAdamW(backend, inputs, rates)),
  );
}

function isMatrix({ shape, dtype }: tf.TensorInfo): boolean {
  return shape.length === 2 && dtype === 'float32';
}

/** A recorded pass runs in libtensorflow alone. */
function isSmall({ shape }: tf.TensorInfo, most = FEW): boolean {
  return !isRecording() && shape.reduce((product, size) => product * size, 1) <= most;
}
