/**
 * What becomes of work on a GPU whose device is lost, runs out of memory or refuses a command: WebGPU reports these
 * beside the calls that caused them, and a read of the results may then never end. `orDeviceError` turns the report
 * into the error of the running call. It boots nothing.
 */
import { GraftError } from '../../errors.ts';

interface GpuErrorEvent {
  error: { message: string; constructor: { name: string } };
}
export interface WatchedDevice {
  readonly lost: Promise<{ reason: string; message: string }>;
  addEventListener(type: 'uncapturederror', listener: (event: GpuErrorEvent) => void): void;
}

/** How long after tfjs has thrown on a lost device the loss may still take to be reported. */
const REPORT_DELAY_MS = 50;

let watched: WatchedDevice | null = null;
let failure: GraftError | null = null;
const waiting = new Set<(error: GraftError) => void>();

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
    for (const reject of waiting) reject(error);
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

function lostError(reason: string, message: string): GraftError {
  return new GraftError('GPU_LOST', `The graphics card stopped answering (${firstLine(message) || reason}); load the model again or resume the run from its last checkpoint, or choose another engine if it happens again.`, { reason });
}

function commandError(kind: string, message: string): GraftError {
  if (kind === 'GPUOutOfMemoryError') {
    return new GraftError('GPU_OUT_OF_MEMORY', 'The graphics card has no memory left; use a smaller batch or shorter rows and resume the run from its last checkpoint.', { message });
  }
  return new GraftError('GPU_ERROR', `The graphics driver refused a command (${firstLine(message)}); resume the run with another engine.`, { message });
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.trim();
}
