/** The backend that a call computes on is the one that it asked for, whatever ran before in the process. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { reportBackends } from '../engine/backends/backends.ts';
import { useBackend } from './backend.ts';

it.each(['tensorflow', 'wasm'] as const)('%s is current again after a report on all backends', async (name) => {
  const facts = await useBackend(name);
  await reportBackends(false);
  expect(await useBackend(name)).toMatchObject({ device: facts.device });
  expect(tf.getBackend()).toBe(name);
});
