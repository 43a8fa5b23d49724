/**
 * What becomes of work on a GPU whose device is lost, runs out of memory or refuses a command: WebGPU reports these
 * beside the calls that caused them, and a read of the results may then never end. `orDeviceError` turns the report
 * into the error of the running call. It boots nothing.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import type { GpuDevice } from './gpuDevice.ts';

export type WatchedDevice = Pick<GpuDevice, 'lost' | 'addEventListener'>;

const OUT_OF_MEMORY = 'GPU_OUT_OF_MEMORY';
/** How long after tfjs has thrown on a lost device the loss may still take to be reported. */
const REPORT_DELAY_MS = 50;

let watched: WatchedDevice | null = null;
let failure: GraftError | null = null;
const waiting = new Set<(error: GraftError) => void>();
/** Set while work is under way that can do with less memory. */
let shortOfMemory: ((error: GraftError) => void) | null = null;

/** The error of the device watched; null while it is sound. */
export function deviceFailure(): GraftError | null {
  return failure;
}

/** Watches a fresh device; the failure of the one before is forgotten. */
export function watchDevice(device: WatchedDevice): void {
  if (device === watched) return;
  watched = device;
  failure = null;
  const fail = (error: GraftError): void => {
    if (device !== watched || failure) return; // the first report names the cause, what follows are its consequences
    failure = error;
    if (shortOfMemory && error.code === OUT_OF_MEMORY) shortOfMemory(error);
    else for (const reject of waiting) reject(error);
  };
  device.addEventListener('uncapturederror', ({ error }) => fail(commandError(error.constructor.name, error.message)));
  void device.lost.then(({ reason, message }) => fail(lostError(reason, message)));
}

/** Settles as `work` does; when the device fails meanwhile, rejects with GPU_LOST, GPU_OUT_OF_MEMORY or GPU_ERROR. */
export async function orDeviceError<T>(work: () => Promise<T>): Promise<T> {
  const before = failure;
  const broken = Promise.withResolvers<never>();
  waiting.add(broken.reject);
  try {
    return await Promise.race([work(), broken.promise]);
  } catch (error) {
    if (watched) await new Promise((resolve) => setTimeout(resolve, REPORT_DELAY_MS));
    throw failure && failure !== before ? failure : error;
  } finally {
    waiting.delete(broken.reject);
  }
}

/**
 * Settles as `work` does. Where the device has no memory left it rejects with GPU_OUT_OF_MEMORY, `orDeviceError` around
 * it hears nothing, and the device counts as sound again. What `work` made it has to free itself.
 */
export async function orShortOfMemory<T>(work: () => Promise<T>): Promise<T> {
  const short = Promise.withResolvers<never>();
  short.promise.catch(() => undefined); // it may come when nobody waits any more
  shortOfMemory = short.reject;
  try {
    const result = await Promise.race([work(), short.promise]);
    if (failure?.code === OUT_OF_MEMORY) throw failure;
    return result;
  } catch (error) {
    // what follows from the shortage is reported by then, too
    if (watched) await new Promise((resolve) => setTimeout(resolve, REPORT_DELAY_MS));
    if (failure?.code !== OUT_OF_MEMORY) throw error;
    const shortage = failure;
    failure = null;
    throw shortage;
  } finally {
    shortOfMemory = null;
  }
}

function lostError(reason: string, message: string): GraftError {
  return new GraftError(
    'GPU_LOST',
    `The graphics card stopped answering (${firstLine(message) || reason}); load the model again or resume the ` +
      'run from its last checkpoint, or choose another engine if it happens again.',
    { reason },
  );
}

function commandError(kind: string, message: string): GraftError {
  if (kind === 'GPUOutOfMemoryError') {
    return new GraftError(
      OUT_OF_MEMORY,
      'The graphics card has no memory left; use a smaller batch or shorter rows and resume the run from its ' +
        'last checkpoint.',
      { message },
    );
  }
  return new GraftError(
    'GPU_ERROR',
    `The graphics driver refused a command (${firstLine(message)}); resume the run with another engine.`,
    { message },
  );
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').trim();
}
