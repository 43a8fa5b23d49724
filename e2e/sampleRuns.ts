/** Tiny real runs through the API, for specs whose subject comes after training. */
import type { Page } from '@playwright/test';
import type { RunView, Starter, StartRun } from '../src-main/api/types.ts';
import { ask, change } from './fixtures.ts';
import { untilStatus } from './tinyRuns.ts';

export interface SampleParts {
  modelId: string;
  datasetId: string;
}

/** The starter model and its first sample, registered. */
export async function addSampleParts(page: Page): Promise<SampleParts> {
  const { modelDir, datasets } = await ask<Starter>(page, 'system.starter');
  const model = await change<{ id: string }>(page, 'models.add', { dir: modelDir, name: 'Starter' });
  const dataset = await change<{ id: string }>(page, 'datasets.add', { file: datasets[0]!.file, name: datasets[0]!.name });
  return { modelId: model.id, datasetId: dataset.id };
}

/** Trains one adapter and returns its run once it is complete. */
export async function trainSample(page: Page, parts: SampleParts, settings: Partial<StartRun> = {}): Promise<RunView> {
  const { train, ...rest } = settings;
  const run = await change<RunView>(page, 'runs.start', { ...parts, taskName: 'describe', method: { type: 'lora', rank: 4 }, ...rest, train: { steps: 8, batch: 2, lr: 0.005, evalEvery: 4, ...train } });
  await untilStatus(page, run.id, 'completed');
  return ask<RunView>(page, 'runs.get', { id: run.id });
}
