/** Services on a fresh data folder with a real worker, a small model and a small dataset. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createCaller } from '../../src-main/api/router.ts';
import type { Caller } from '../../src-main/api/router.ts';
import type { StartRun } from '../../src-main/app/runs/input.ts';
import { createServices } from '../../src-main/app/services.ts';
import type { ServiceOptions, Services } from '../../src-main/app/services.ts';
import { TINY_LLAMA, writeTinyModel } from '../fixtures/tinyModel.ts';

/** The starter checkpoint, which every clone has. */
export const MODEL = path.resolve(import.meta.dirname, '../../resources/starter/model');

export interface TestBench {
  dir: string;
  home: string;
  services: Services;
  api: Caller;
  /** A new Graft on the same data folder; the old services are closed first. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export function openBench(options: ServiceOptions = {}): TestBench {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-bench-'));
  const home = path.join(dir, 'home');
  const open = () => {
    const services = createServices({ home, ...options });
    return { services, api: createCaller(services) };
  };
  const bench: TestBench = {
    dir,
    home,
    ...open(),
    async reopen() {
      await bench.services.close();
      Object.assign(bench, open());
    },
    async close() {
      await bench.services.close();
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
  return bench;
}

/** Prompt/completion rows; `broken` lines go in as they are. */
export function writeRows(file: string, rows = 24, broken: string[] = []): string {
  const line = (i: number): string =>
    JSON.stringify({
      prompt: `One day, ${['Lily', 'Tom', 'Max', 'Anna'][i % 4]} saw a`,
      completion: ` ${['red', 'blue', 'big'][i % 3]} ${['ball', 'dog', 'tree', 'bird', 'car'][i % 5]}.`,
    });
  fs.writeFileSync(file, [...Array.from({ length: rows }, (_, i) => line(i)), ...broken].join('\n'));
  return file;
}

/**
 * A short run, everything registered, on a tiny model unless another is named. Runs on the engine that starts soonest.
 */
export async function smallRun(bench: TestBench, train: StartRun['train'] = {}, modelDir?: string): Promise<StartRun> {
  const config = { ...TINY_LLAMA, max_position_embeddings: 256 };
  const dir = modelDir ?? (await writeTinyModel(path.join(bench.dir, 'model'), { config }));
  const model = await bench.api.models.add({ dir });
  const dataset = await bench.api.datasets.add({ file: writeRows(path.join(bench.dir, 'rows.jsonl')) });
  return {
    modelId: model.id,
    datasetId: dataset.id,
    taskName: 'colours',
    engine: 'wasm',
    method: { type: 'lora', rank: 4, targets: ['q', 'v'], dropout: 0.1 },
    train: { steps: 6, batch: 4, lr: 5e-3, warmup: 0, val: 0.2, checkpointEvery: 2, ...train },
  };
}
