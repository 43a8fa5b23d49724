/** Through the page's own API: the starter model, a sample dataset and short real runs, for specs about what comes after training. */
import type { Page } from '@playwright/test';
import { ask, change } from './fixtures.ts';
import { untilStatus } from './tinyRuns.ts';

/** Trains one short adapter and returns its run's id. */
export async function trainTiny(page: Page, settings: Record<string, unknown> = {}): Promise<string> {
  const starter = await ask<{ modelDir: string; datasets: { file: string }[] }>(page, 'system.starter');
  const model = await change<{ id: string }>(page, 'models.add', { dir: starter.modelDir });
  const dataset = await change<{ id: string }>(page, 'datasets.add', { file: starter.datasets[0]!.file });
  const run = await change<{ id: string }>(page, 'runs.start', {
    modelId: model.id,
    datasetId: dataset.id,
    taskName: 'describe',
    method: { type: 'lora' },
    train: { steps: 4, batch: 2, val: 0.1 },
    ...settings,
  });
  await untilStatus(page, run.id, 'completed');
  return run.id;
}
