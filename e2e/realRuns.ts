/**
 * Real runs of a few steps on the starter model, through the page's own API, where the way there is not what a spec is
 * about.
 */
import path from 'node:path';
import { expect, type Page } from '@playwright/test';
import type { RunView, StartRun } from '../src-main/api/types.ts';
import { ask, change } from './fixtures.ts';
import { REPO } from './host.ts';

const STARTER = path.join(REPO, 'resources', 'starter');
const RUN_LIMIT_MS = 120_000;

/** What a run works with. */
export interface Parts {
  modelId: string;
  datasetId: string;
}

type Settings = Partial<Omit<StartRun, keyof Parts>>;

/** Registers the starter model, or the one in `modelDir`, and the sample of a task (`describe`, `extract`). */
export async function addParts(
  page: Page,
  { task = 'describe', modelDir = path.join(STARTER, 'model') } = {},
): Promise<Parts> {
  const model = await change<{ id: string }>(page, 'models.add', { dir: modelDir, name: 'Starter' });
  const dataset = await change<{ id: string }>(page, 'datasets.add', {
    file: path.join(STARTER, 'data', `${task}.jsonl`),
    name: `Sample: ${task}`,
  });
  return { modelId: model.id, datasetId: dataset.id };
}

/** Queues a run of 8 steps; `settings` override, those of `train` one by one. */
export function queueRun(page: Page, parts: Parts, { train, ...settings }: Settings = {}): Promise<RunView> {
  return change<RunView>(page, 'runs.start', {
    ...parts,
    taskName: 'describe',
    engine: 'tensorflow',
    method: { type: 'lora', targets: ['q', 'v'], rank: 8 },
    data: { maxLength: 64 },
    ...settings,
    train: { steps: 8, batch: 2, lr: 0.005, warmup: 0, evalEvery: 0, checkpointEvery: 0, ...train },
  });
}

/** The same, once it is complete. */
export async function train(page: Page, parts: Parts, settings: Settings = {}): Promise<RunView> {
  const { id } = await queueRun(page, parts, settings);
  await untilStatus(page, id, 'completed');
  return ask<RunView>(page, 'runs.get', { id });
}

/** A run on `describe` that was paused after its first steps; returns its id. */
export async function pausedRun(page: Page, parts: Parts): Promise<string> {
  const { id } = await queueRun(page, parts, { train: { steps: 5000 } });
  await trainedSteps(page, id, 3);
  await change(page, 'runs.pause', { id });
  await untilStatus(page, id, 'paused');
  return id;
}

/** Waits until a run has trained that many steps. */
export async function trainedSteps(page: Page, id: string, steps: number): Promise<void> {
  await expect
    .poll(async () => (await ask<{ steps: unknown[] }>(page, 'runs.metrics', { id })).steps.length, {
      timeout: RUN_LIMIT_MS,
      intervals: [50],
    })
    .toBeGreaterThanOrEqual(steps);
}

/**
 * Halts the worker of a run soon after that step, so that the run stays under way however slow the page is, and costs
 * nothing meanwhile. What is returned lets it go on. Not on Windows, which has no such signal.
 */
export async function haltAfter(page: Page, id: string, step: number): Promise<() => void> {
  await trainedSteps(page, id, step);
  const { pid } = await ask<{ pid: number }>(page, 'runs.get', { id });
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

export async function untilStatus(page: Page, id: string, status: string): Promise<void> {
  await expect
    .poll(async () => (await ask<{ status: string }>(page, 'runs.get', { id })).status, { timeout: RUN_LIMIT_MS })
    .toBe(status);
}

/** Goes to an address inside the app, such as `#/runs`. */
export async function openHash(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), hash);
}
