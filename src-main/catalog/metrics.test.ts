import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCatalog } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import type { Run } from './runs.ts';

let dir: string;
let catalog: Catalog;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-metrics-'));
  catalog = openCatalog(path.join(dir, 'graft.db'));
  const run = { id: 'r', name: 'r', status: 'running', spec: {}, createdAt: '2026-01-01' };
  const rest = {
    taskId: null,
    modelId: null,
    datasetId: null,
    started: null,
    error: null,
    result: null,
    ownerPid: null,
    pid: null,
    startedAt: null,
    endedAt: null,
  };
  catalog.runs.insert({ ...rest, ...run } as unknown as Run);
});

afterEach(() => {
  catalog.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const metrics = (step: number) => ({
  step,
  loss: 1 / 3 + step,
  lr: 1e-4 / step,
  gradNorm: 0.1 * step,
  tokensPerSecond: 7 / step,
  memoryBytes: step * 1024,
  elapsedMs: 0.3 * step,
});

test('the series in pieces are the metrics in order, each number exact, and go on where they ended', () => {
  for (let step = 1; step <= 25; step++) catalog.metrics.put('r', metrics(step));
  const steps: number[] = [];
  const losses: number[] = [];
  const sizes: number[] = [];
  for (let more = true; more;) {
    const series = catalog.metrics.series('r', steps.at(-1) ?? 0, -1, 10);
    steps.push(...series.step);
    losses.push(...series.loss);
    sizes.push(series.step.length);
    more = series.more;
  }
  const recorded = catalog.metrics.after('r', 0);
  expect(sizes).toEqual([10, 10, 5]);
  expect(steps).toEqual(recorded.map(({ step }) => step));
  expect(losses).toEqual(recorded.map(({ loss }) => loss));
  const { step, loss, lr, gradNorm, tokensPerSecond, memoryBytes, elapsedMs, more } = catalog.metrics.series(
    'r',
    24,
    -1,
    10,
  );
  expect([step, loss, lr, gradNorm, tokensPerSecond, memoryBytes, elapsedMs]).toEqual(
    Object.values(metrics(25)).map((value) => [value]),
  );
  expect(more).toBe(false);
});

test('validation losses come once: those after the step asked for, the one before the first step too', () => {
  for (const step of [0, 10, 20]) catalog.metrics.putEvaluation('r', { step, valLoss: 5 - step / 10 });
  expect(catalog.metrics.series('r', 0, -1, 10).evaluations.map(({ step }) => step)).toEqual([0, 10, 20]);
  expect(catalog.metrics.series('r', 0, 10, 10).evaluations).toEqual([{ step: 20, valLoss: 3 }]);
});
