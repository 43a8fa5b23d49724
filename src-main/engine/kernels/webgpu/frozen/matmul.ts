/**
 * Products with a frozen weight W (R, C) in any of its forms, dequantised in the kernel and summed in float32: x·W^T
 * (N, C) to (N, R) and x·W (N, R) to (N, C), each with an optional bias. Which variant runs is the tuner's choice.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { BASE_DTYPES } from '../../../../../src-shared/baseDtypes.ts';
import { classOf, deviceTraits, runVariant, type FrozenProduct } from './product.ts';
import { chooseVariant } from './tuner.ts';
import type { WebgpuBackend } from '../../../backends/tfjsInternals.ts';
import { frozenLinearGradOp, frozenLinearOp, type FrozenAttributes } from '../../../ops/frozenLinear.ts';
import { webgpuKernel } from '../kernel.ts';

function frozenMatmul(backend: WebgpuBackend, product: FrozenProduct): [tf.TensorInfo] {
  return [runVariant(backend, product, chooseVariant(classOf(product), deviceTraits(backend.device), product))];
}

/** W as the op's attributes say it is. */
function factorOf({ format: index, R, C }: FrozenAttributes): Pick<FrozenProduct, 'format' | 'R' | 'C'> {
  const format = BASE_DTYPES[index];
  if (!format) throw new Error(`there is no base dtype ${index}`);
  return { format, R, C };
}

export const frozenMatmulKernels = [
  webgpuKernel(frozenLinearOp, (backend, { x, w, b = null }, attributes) =>
    frozenMatmul(backend, { ...factorOf(attributes), x, w, b, transposed: attributes.transposed }),
  ),
  webgpuKernel(frozenLinearGradOp, (backend, { dy, w }, attributes) =>
    frozenMatmul(backend, { ...factorOf(attributes), x: dy, w, b: null, transposed: !attributes.transposed }),
  ),
];
