/** The one backend that this process computes on. */
import * as tf from '@tensorflow/tfjs-core';
import { bootBackend, type BackendFacts } from '../engine/backends/backends.ts';
import { deviceFailure } from '../engine/backends/deviceWatch.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import { useTuning } from './tuning.ts';

let current: { name: BackendName; facts: BackendFacts } | null = null;

/**
 * Boots the backend unless it is the current one and sound. Throws ENGINE_UNAVAILABLE. Which one is current tfjs says:
 * a report on all backends leaves another one than it found.
 */
export async function useBackend(name: BackendName): Promise<BackendFacts> {
  if (current?.name !== name || tf.getBackend() !== name || (name === 'webgpu' && deviceFailure())) {
    current = { name, facts: await bootBackend(name) };
    if (name === 'webgpu') useTuning();
  }
  return current.facts;
}
