/** Puts our WGSL kernels in the place of the composites that `ops/` registers. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../ops/define.ts';
import { adamwKernels } from './adamw.ts';
import { attentionKernels } from './attention.ts';
import { attentionGradKernels } from './attentionGrad.ts';
import { copyKernels } from './copies.ts';
import { dropoutKernels } from './dropout.ts';
import { frozenMatmulKernels } from './frozen/matmul.ts';
import { geluKernels } from './gelu.ts';
import type { WebgpuKernels } from './kernel.ts';
import { layerNormKernels } from './layerNorm.ts';
import { linearCrossEntropyKernels } from './linearCrossEntropy.ts';
import type { WebgpuBackend } from './program.ts';
import { lowRankKernels } from './lowRank.ts';
import { rmsNormKernels } from './rmsNorm.ts';
import { rotaryKernels } from './rotary.ts';
import { sumOfSquaresKernels } from './sumOfSquares.ts';
import { swigluKernels } from './swiglu.ts';

export const WEBGPU_KERNELS: WebgpuKernels = {
  ...rmsNormKernels,
  ...layerNormKernels,
  ...geluKernels,
  ...swigluKernels,
  ...rotaryKernels,
  ...attentionKernels,
  ...attentionGradKernels,
  ...linearCrossEntropyKernels,
  ...adamwKernels,
  ...frozenMatmulKernels,
  ...copyKernels,
  ...lowRankKernels,
  ...sumOfSquaresKernels,
  ...dropoutKernels,
};

/** May be called again; whether an op is defined before or after makes no difference. */
export function registerWebgpuKernels(): void {
  for (const [kernelName, run] of Object.entries(WEBGPU_KERNELS)) {
    if (tf.getKernel(kernelName, 'webgpu')) tf.unregisterKernel(kernelName, 'webgpu');
    tf.registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs, backend }) =>
        run(backend as WebgpuBackend, inputs as Record<string, tf.TensorInfo>, (attrs ?? {}) as Attributes),
    });
  }
}
