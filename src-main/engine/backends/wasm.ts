/** The `wasm` engine: tfjs-backend-wasm, the last resort that runs wherever Node runs. */
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { registerTfjsGradients } from '../ops/tfjsGradients.ts';
import type { BackendFacts } from './facts.ts';

const require = createRequire(import.meta.url);

export async function bootWasm(): Promise<BackendFacts> {
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
  wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')) + '/dist/');
  registerTfjsGradients();
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend did not start');
  await tf.ready();
  return {
    gpu: false,
    device: `${os.cpus()[0]?.model.trim() ?? 'unknown processor'} (WebAssembly)`,
    memoryBytes: 4 * 1024 ** 3,
  };
}
