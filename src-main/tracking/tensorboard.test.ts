import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { eventFile, eventFileName } from './tensorboard.ts';
import type { TrackedRun } from './trackedRun.ts';

/** Made by TensorBoard's own classes: test-support/reference/tensorboard_events.py. */
const THEIRS = fs.readFileSync(path.join(import.meta.dirname, '../../test-support/fixtures/tensorboard.tfevents'));
const START_MS = 1_764_500_000_250;

const measured = { gradNorm: 0.5, tokensPerSecond: 1234.5, memoryBytes: 2 ** 31, elapsedMs: 40.25 };
const run: TrackedRun = {
  id: 'run-1',
  name: 'support',
  task: 'support',
  status: 'completed',
  tags: [],
  notes: 'Grüße, wider',
  startedMs: START_MS,
  endedMs: START_MS + 9000,
  settings: { keepBest: false, 'method.type': 'lora', 'train.lr': 0.0003 },
  results: {},
  steps: [
    { step: 1, loss: 4.25, lr: 0, atMs: START_MS + 1000, ...measured },
    { step: 300, loss: 0, lr: 0.0003, atMs: START_MS + 2000, ...measured },
  ],
  evaluations: [
    { step: 0, valLoss: 4.5, atMs: START_MS },
    { step: 300, valLoss: 3.125, atMs: START_MS + 2000 },
  ],
};

it("writes the same bytes as TensorBoard's own writer", () => {
  expect(Buffer.concat(eventFile(run)).toString('hex')).toBe(THEIRS.toString('hex'));
});

it('leaves out what is not a finite number, and the end of a run that has none', () => {
  const broken = { ...run.steps[0]!, loss: NaN };
  const going = { ...run, status: 'running' as const, endedMs: null, notes: '', steps: [broken], evaluations: [] };
  const bytes = Buffer.concat(eventFile(going)).toString('latin1');
  expect(bytes).toContain('train/grad_norm');
  for (const absent of ['train/loss', 'eval/loss', 'notes/', 'session_end_info']) expect(bytes).not.toContain(absent);
});

it('has a name by which TensorBoard finds it', () => {
  expect(eventFileName(run)).toMatch(/^events\.out\.tfevents\.1764500000\.[^/]+\.graft$/);
});
