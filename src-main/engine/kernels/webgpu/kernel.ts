/** What a kernel file exports: functions by kernel name, as tfjs's registry wants them. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../ops/define.ts';
import type { WebgpuBackend } from './program.ts';

export type WebgpuKernel = (
  backend: WebgpuBackend,
  inputs: Record<string, tf.TensorInfo>,
  attributes: Attributes,
) => tf.TensorInfo[];
export type WebgpuKernels = Record<string, WebgpuKernel>;
