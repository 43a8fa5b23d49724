/** The three backends: booting one, and reporting on all. */
import { BACKENDS, type BackendName } from '../../../src-shared/backends.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { measureGflops } from './calibrate.ts';
import type { BackendFacts } from './facts.ts';
import { bootTensorflow } from './tensorflow.ts';
import { bootWasm } from './wasm.ts';
import { bootWebgpu, webgpuCards } from './webgpu.ts';

export type { BackendFacts };

export interface BackendReport extends BackendFacts {
  name: BackendName;
  usable: boolean;
  /** One sentence: why it is, or is not, usable. */
  reason: string;
  /** Names of the graphics cards among which one can be chosen. */
  cards?: string[];
  /** Speed of a matrix product; null when not measured. */
  gflops: number | null;
}

const BOOT: Record<BackendName, () => Promise<BackendFacts>> = {
  tensorflow: bootTensorflow,
  webgpu: bootWebgpu,
  wasm: bootWasm,
};

const WAY_OUT: Record<BackendName, string> = {
  tensorflow: 'run `npm run setup` to fetch libtensorflow, or choose another engine',
  webgpu: 'install a Vulkan driver for your graphics card, or choose another engine',
  wasm: 'run `npm run setup` to install the dependencies again',
};

/**
 * Makes `name` the current backend. Throws ENGINE_UNAVAILABLE with the reason and a way out, or NO_SUCH_GPU with the
 * cards there are.
 */
export async function bootBackend(name: BackendName): Promise<BackendFacts> {
  try {
    return await BOOT[name]();
  } catch (error) {
    if (error instanceof GraftError && error.code === 'NO_SUCH_GPU') throw error;
    throw new GraftError(
      'ENGINE_UNAVAILABLE',
      `Engine ${name} cannot be used: ${firstLine(error)}; ${WAY_OUT[name]}.`,
      { engine: name },
      { cause: error },
    );
  }
}

/** Tries every engine in turn; with `calibrate` each usable one is timed for half a second. */
export async function reportBackends(calibrate: boolean): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const name of BACKENDS) {
    const cards = name === 'webgpu' ? { cards: await webgpuCards() } : {};
    try {
      const facts = await bootBackend(name);
      const reason = facts.gpu
        ? 'Usable on a hardware GPU.'
        : name === 'webgpu'
          ? 'Usable, but only on a software renderer (slow).'
          : 'Usable on the processor.';
      reports.push({
        name,
        usable: true,
        ...facts,
        ...cards,
        reason,
        gflops: calibrate ? await measureGflops() : null,
      });
    } catch (error) {
      reports.push({
        name,
        usable: false,
        gpu: false,
        device: '',
        memoryBytes: null,
        ...cards,
        reason: firstLine(error),
        gflops: null,
      });
    }
  }
  return reports;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? '').trim();
}
