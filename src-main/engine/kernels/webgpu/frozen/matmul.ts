/**
 * Products with a frozen weight W (R, C) in any of its forms, dequantised in the kernel and summed in float32: x·W^T
 * (N, C) to (N, R) and x·W (N, R) to (N, C), each with an optional bias. Which variant runs is the tuner's choice.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { BASE_DTYPES } from '../../../../../src-shared/baseDtypes.ts';
import { classOf, deviceTraits, runVariant, type FrozenProduct } from './product.ts';
import { chooseVariant } from './tuner.ts';
import type { WebgpuKernels } from '../kernel.ts';
import type { WebgpuBackend } from '../program.ts';

function frozenMatmul(backend: WebgpuBackend, product: FrozenProduct): tf.TensorInfo {
  return runVariant(backend, product, chooseVariant(classOf(product), deviceTraits(backend.device), product));
}

export const frozenMatmulKernels: WebgpuKernels = {
  GraftFrozenLinear(backend, { x, w, b }, { format, R, C, transposed }) {
    return [
      frozenMatmul(backend, {
        format: BASE_DTYPES[format as number]!,
        R: R as number,
        C: C as number,
        x: x!,
        w: w!,
        b: b ?? null,
        transposed: transposed as boolean,
      }),
    ];
  },
  GraftFrozenLinearGrad(backend, { dy, w }, { format, R, C, transposed }) {
    return [
      frozenMatmul(backend, {
        format: BASE_DTYPES[format as number]!,
        R: R as number,
        C: C as number,
        x: dy!,
        w: w!,
        b: null,
        transposed: !(transposed as boolean),
      }),
    ];
  },
};
