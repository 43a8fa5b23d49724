/** Prepares a data folder through the API: the starter model with a short real run per task. */
import path from 'node:path';
import type { Page } from '@playwright/test';
import { ask, change, expect } from './fixtures.ts';
import { REPO } from './host.ts';
import { untilStatus } from './tinyRuns.ts';

const STARTER = path.join(REPO, 'resources', 'starter');
const RUN_LIMIT_MS = 60_000;

export interface Trained {
  modelId: string;
  /** By task. */
  adapters: Record<string, string>;
}

/** Adds the model in `modelDir` and trains a LoRA of a few steps for each sample task (`describe`, `extract`). */
export async function trainTasks(page: Page, tasks: string[], { modelDir = path.join(STARTER, 'model'), steps = 8 } = {}): Promise<Trained> {
  const model = await change<{ id: string }>(page, 'models.add', { dir: modelDir });
  const adapters: Record<string, string> = {};
  for (const task of tasks) {
    const run = await start(page, model.id, task, steps);
    await untilStatus(page, run, 'completed');
  }
  for (const adapter of await ask<{ id: string; taskName: string }[]>(page, 'adapters.list')) adapters[adapter.taskName] = adapter.id;
  return { modelId: model.id, adapters };
}

/** A run on `describe` that was paused after its first steps; returns its id. */
export async function pausedRun(page: Page, modelId: string): Promise<string> {
  const id = await start(page, modelId, 'describe', 5000);
  await expect.poll(async () => (await ask<{ steps: unknown[] }>(page, 'runs.metrics', { id })).steps.length, { timeout: RUN_LIMIT_MS }).toBeGreaterThan(2);
  await change(page, 'runs.pause', { id });
  await untilStatus(page, id, 'paused');
  return id;
}

async function start(page: Page, modelId: string, task: string, steps: number): Promise<string> {
  const dataset = await change<{ id: string }>(page, 'datasets.add', { file: path.join(STARTER, 'data', `${task}.jsonl`) });
  const run = await change<{ id: string }>(page, 'runs.start', {
    modelId, datasetId: dataset.id, taskName: task, engine: 'tensorflow',
    method: { type: 'lora', rank: 4, targets: ['q', 'v'] }, train: { steps, batch: 4, lr: 0.02, val: 0, evalEvery: 0 },
  });
  return run.id;
}
