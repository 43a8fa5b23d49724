/** A training run on a small random model and a small dataset, all in one temporary folder. */
import fs from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { temporaryFolder } from '../fixtures/folders.ts';
import { WorkerClient, type WorkerCall } from '../../src-main/app/workers/client.ts';
import { forkWorker } from '../../src-main/app/workers/channel.ts';
import { methodSchema } from '../../src-shared/methods/registry.ts';
import { runSpecSchema, type RunSpec } from '../../src-shared/runSpec.ts';
import { trainSettingsSchema } from '../../src-shared/settings/training.ts';
import { type TrainEvent } from '../../src-shared/training.ts';
import type { ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { writeTinyModel } from '../fixtures/tinyModel.ts';

interface Overrides {
  method?: object;
  train?: object;
  data?: object;
  objective?: object;
  rows?: string[];
  /** Of the model; a tiny Llama by default. */
  config?: ModelConfig;
}

/** 13 rows of different lengths. */
const ROWS = Array.from({ length: 13 }, (_, i) =>
  JSON.stringify({ prompt: `row ${'x'.repeat(i % 5)}`, completion: ` ${'abcde'[i % 5]!.repeat(1 + (i % 4))}` }),
);

/**
 * Adapter of rank 2 on q and v, 6 steps of batch 2, unless `overrides` says otherwise. Its folders are removed after
 * the test.
 */
export async function tinyRun(overrides: Overrides = {}): Promise<RunSpec> {
  const dir = temporaryFolder();
  const modelDir = await writeTinyModel(path.join(dir, 'model'), overrides.config ? { config: overrides.config } : {});
  const file = path.join(dir, 'rows.jsonl');
  fs.writeFileSync(file, (overrides.rows ?? ROWS).join('\n'));
  const runDir = path.join(dir, 'run');
  fs.mkdirSync(runDir);
  return runSpecSchema.parse({
    runId: 'run-1',
    engine: 'wasm',
    model: { dir: modelDir, hash: hashOf(modelDir) },
    data: { file, maxLength: 64, ...overrides.data },
    task: 'letters',
    method: methodSchema.parse({ type: 'lora', rank: 2, alpha: 4, ...overrides.method }),
    ...(overrides.objective ? { objective: overrides.objective } : {}),
    train: trainSettingsSchema.parse({
      steps: 6,
      batch: 2,
      lr: 1e-2,
      warmup: 0,
      val: 0.2,
      seed: 3,
      ...overrides.train,
    }),
    runDir,
    outDir: path.join(dir, 'out'),
  });
}

export function hashOf(modelDir: string): string {
  const checkpoint = openBaseModel(modelDir);
  checkpoint.close();
  return checkpoint.hash;
}

export interface WatchedRun {
  call: WorkerCall<'train'>;
  client: WorkerClient;
  events: TrainEvent[];
  /** Losses by step; a step taken again after a resume replaces the first one. */
  losses: Map<number, number>;
}

/** Starts the run in a worker process of its own; `onEvent` sees every event after it has been recorded. */
export function startInWorker(
  spec: RunSpec,
  resume = false,
  onEvent: (event: TrainEvent, run: WatchedRun) => void = () => undefined,
): WatchedRun {
  const client = new WorkerClient(forkWorker());
  onTestFinished(() => client.kill());
  const events: TrainEvent[] = [];
  const losses = new Map<number, number>();
  const call = client.call('train', { spec, resume }, (event) => {
    events.push(event);
    if (event.type === 'step') losses.set(event.step, event.loss);
    onEvent(event, run);
  });
  const run: WatchedRun = { call, client, events, losses };
  return run;
}

/** Every name below `dir`. */
export function filesBelow(dir: string): string[] {
  return fs.existsSync(dir) ? (fs.readdirSync(dir, { recursive: true }) as string[]).sort() : [];
}

/** What a run has left in its folder besides the checkpoints that are kept for a look back. */
export function leftOf({ runDir }: RunSpec): string[] {
  return filesBelow(runDir).filter((name) => !name.startsWith('checkpoints'));
}
