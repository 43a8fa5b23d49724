/** The model card of an export from a real run: what it names, and that it names no folder of this machine. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../../test-support/rigs/services.ts';
import type { Adapter } from '../../catalog/adapters.ts';
import { cardOf } from './card.ts';

let bench: TestBench;
let adapter: Adapter;

beforeAll(async () => {
  bench = openBench();
  const spec = await smallRun(bench, { steps: 2 });
  const { id } = await bench.api.runs.start(spec);
  await bench.services.runs.finished(id);
  [adapter] = bench.services.catalog.adapters.list() as [Adapter];
});
afterAll(() => bench.close());

it('names base, data with its hash, method, settings and losses, and the proof of the export', async () => {
  const { catalog } = bench.services;
  const model = catalog.models.get(adapter.modelId!)!;
  fs.writeFileSync(path.join(model.dir, 'README.md'), '---\nlicense: mit\n---\n# Tiny');
  catalog.adapters.update(adapter.id, { notes: 'For a rainy day.' });
  const run = catalog.runs.get(adapter.runId!)!;
  const certificate = {
    prompts: 8,
    tokensCompared: 64,
    maxLogitDifference: 1.25e-6,
    maxLogit: 9,
    equalGreedyShare: 1,
    tolerance: 1e-4,
    dtype: 'f32' as const,
    passed: true,
    engine: 'wasm' as const,
    adapterSha256: adapter.sha256,
    baseHash: model.hash,
    createdAt: '2026-01-01',
  };
  const outDir = path.join(bench.dir, 'merged-colours');
  const result = { outDir, files: ['model.safetensors'], sizeBytes: 1, sha256: '', certificate };
  const record = { format: 'hf' as const, adapterId: adapter.id, tasks: null, modelDir: model.dir, outDir, result };
  const card = await cardOf(catalog, record);
  for (const words of [
    '# merged-colours',
    `| Base model | ${model.name} |`,
    model.hash,
    run.spec.data.hash!,
    '| Validation loss |',
    '| rank |',
    '| lr |',
    'For a rainy day.',
    '| Largest difference of a logit | 0.00000125 |',
    "by Graft's engine (wasm)",
    'Its card says: mit.',
    'library_name: transformers',
  ])
    expect(card).toContain(words);
  expect(card).not.toContain(bench.dir);

  const copied = await cardOf(catalog, { ...record, format: 'peft', result: null });
  expect(copied).toContain('PeftModel.from_pretrained');
  expect(copied).not.toContain('## Certificate');
});

it('knows a base from the hub by its cache, and says what it does not know', async () => {
  const modelDir = path.join(bench.dir, 'hub', 'models--me--tiny', 'snapshots', 'abc');
  const record = { format: 'peft' as const, adapterId: null, tasks: null, modelDir, outDir: '/x/y', result: null };
  const card = await cardOf(bench.services.catalog, record);
  expect(card).toMatch(/base_model: "me\/tiny"\nbase_model_relation: adapter/);
  expect(card).toContain('Its card names no licence');
  expect(card).not.toMatch(/## Data|## Settings/);
});
