/**
 * What tests set for themselves and every process they start; a value that is set already wins. None of it changes
 * what the app computes: it makes Mesa's software driver and Node's start cheaper.
 */
import path from 'node:path';
import { cacheFolder, scratch } from './paths.mjs';

/** @type {Record<string, string>} */
const TEST_ENVIRONMENT = {
  // lavapipe compiles each shader for seconds: for vectors of 4 lanes it takes less than half as long as for 8.
  LP_NATIVE_VECTOR_WIDTH: '128',
  // Both CPUs have work already: threads of its own only hand it to and fro (half of the kernel's time).
  LP_NUM_THREADS: '0',
  // Models of tests are tiny: handing an operation to a second thread costs more than the thread saves.
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  // What one process has compiled, the next one reads: shaders also in another checkout, scripts by their path.
  MESA_SHADER_CACHE_DIR: path.join(cacheFolder(), 'mesa'),
  NODE_COMPILE_CACHE: path.join(scratch, 'node'),
};

/** @param {NodeJS.ProcessEnv} [environment] */
export function setTestEnvironment(environment = process.env) {
  for (const [name, value] of Object.entries(TEST_ENVIRONMENT)) environment[name] ??= value;
}
