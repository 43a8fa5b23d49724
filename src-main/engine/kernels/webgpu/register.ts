/** Puts our WGSL kernels in the place of the composites that `ops/` registers. */
import { replaceKernel, type WebgpuBackend } from '../../backends/tfjsInternals.ts';
import { adamwKernels } from './adamw.ts';
import { attentionKernels } from './attention.ts';
import { attentionGradKernels } from './attentionGrad.ts';
import { copyKernels } from './copies.ts';
import { dropoutKernels } from './dropout.ts';
import { frozenMatmulKernels } from './frozen/matmul.ts';
import { geluKernels } from './gelu.ts';
import type { WebgpuKernel } from './kernel.ts';
import { layerNormKernels } from './layerNorm.ts';
import { linearCrossEntropyKernels } from './linearCrossEntropy.ts';
import { lowRankKernels } from './lowRank.ts';
import { rmsNormKernels } from './rmsNorm.ts';
import { rotaryKernels } from './rotary.ts';
import { sumOfSquaresKernels } from './sumOfSquares.ts';
import { swigluKernels } from './swiglu.ts';
import { tableRowKernels } from './tableRows.ts';

export const WEBGPU_KERNELS: readonly WebgpuKernel[] = [
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
  ...tableRowKernels,
];

/** May be called again. */
export function registerWebgpuKernels(): void {
  for (const { kernelName, run } of WEBGPU_KERNELS)
    replaceKernel(
      kernelName,
      'webgpu',
      () =>
        ({ inputs, attrs = {}, backend }) =>
          run(backend as WebgpuBackend, inputs, attrs),
    );
}
