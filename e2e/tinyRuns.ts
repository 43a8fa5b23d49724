/** Runs of a few steps on the starter model, started through the API where the way there is not what a spec is about. */
import path from 'node:path';
import { expect, type Page } from '@playwright/test';
import { ask, change } from './fixtures.ts';
import { REPO } from './host.ts';

export interface Parts {
  modelId: string;
  datasetId: string;
}

interface Id {
  id: string;
}

const STARTER = path.join(REPO, 'resources', 'starter');

export async function addParts(page: Page): Promise<Parts> {
  const model = await change<Id>(page, 'models.add', { dir: path.join(STARTER, 'model') });
  const dataset = await change<Id>(page, 'datasets.add', { file: path.join(STARTER, 'data', 'describe.jsonl'), name: 'describe' });
  return { modelId: model.id, datasetId: dataset.id };
}

/** Queues a run; `train` overrides the settings. */
export function startTiny(page: Page, parts: Parts, { name, ...train }: { name: string; [setting: string]: unknown }): Promise<Id> {
  return change<Id>(page, 'runs.start', {
    ...parts,
    taskName: 'describe',
    name,
    engine: 'tensorflow',
    method: { type: 'lora', targets: ['q', 'v'], rank: 8 },
    train: { batch: 4, lr: 0.005, evalEvery: 0, checkpointEvery: 0, ...train },
    data: { maxLength: 64 },
  });
}

export async function untilStatus(page: Page, id: string, status: string): Promise<void> {
  await expect.poll(async () => (await ask<{ status: string }>(page, 'runs.get', { id })).status, { timeout: 120_000 }).toBe(status);
}

/** Goes to an address inside the app, such as `#/runs`. */
export async function openHash(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), hash);
}
