/**
 * The `tensorflow` engine: tfjs-node-gpu on libtensorflow, which runs on CUDA where the official GPU build and a
 * card are present, else on the CPU. The native part is put in place by scripts/setup.mjs.
 */
import { createRequire } from 'node:module';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { registerTensorflowKernels } from '../kernels/tensorflow/register.ts';
import { registerTfjsGradients } from '../ops/tfjsGradients.ts';
import { showCudaCard } from './cards.ts';
import type { BackendFacts } from './facts.ts';
import { restoreRemovedUtilities, tensorflowBackend } from './tfjsInternals.ts';

const require = createRequire(import.meta.url);

/** Throws when the native library is not there or does not load. */
export async function bootTensorflow(): Promise<BackendFacts> {
  restoreRemovedUtilities();
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'; // libtensorflow prints its start-up notes to stderr otherwise
  // Else what is to be compiled (kernels/tensorflow/fused) is at first computed op by op, which rounds otherwise.
  process.env['TF_XLA_FLAGS'] ??= '--tf_xla_enable_lazy_compilation=false';
  // On Ampere and newer cards float32 products would otherwise be rounded to TF32's 10 bits, and parity with them.
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  showCudaCard();
  require('@tensorflow/tfjs-node-gpu');
  registerTfjsGradients(); // the same on every engine
  if (!(await tf.setBackend('tensorflow'))) throw new Error('the tensorflow backend did not start');
  await tf.ready();
  const gpu = tensorflowBackend().isUsingGpuDevice;
  if (!gpu) registerTensorflowKernels();
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    gpu,
    device: gpu ? 'CUDA GPU (libtensorflow)' : `${cpu}, ${os.availableParallelism()} threads (libtensorflow)`,
    memoryBytes: gpu ? null : os.totalmem(),
  };
}
