/** The main process reads models, adapters and datasets by their headers; only its workers load tfjs. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { MODEL, writeRows } from '../../test-support/rigs/services.ts';

/** Starts the services, uses them, and prints what was loaded from @tensorflow on the way. */
const PROGRAM = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      if (url.includes('@tensorflow')) loaded.push(url);
      return next(url, context);
    },
  });
  const { createServices } = await import(process.env.SERVICES);
  const { createCaller } = await import(process.env.ROUTER);
  const services = createServices({ takeQueued: false });
  const api = createCaller(services);
  const model = await api.models.add({ dir: process.env.MODEL });
  const dataset = await api.datasets.add({ file: process.env.ROWS });
  const run = { modelId: model.id, datasetId: dataset.id, taskName: 't', method: { type: 'lora' }, train: {} };
  await api.models.matrices({ id: model.id });
  await api.plan.commandLine(run);
  await api.plan.schedule({ lr: 1e-3, schedule: 'linear', warmup: 0, totalSteps: 10 });
  await api.adapters.list();
  await services.close();
  console.log(JSON.stringify(loaded));
`;

it('loads nothing of tfjs, whatever the services do', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-without-tensors-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env: {
      ...process.env,
      GRAFT_HOME: path.join(dir, 'home'),
      SERVICES: path.join(import.meta.dirname, '../app/services.ts'),
      ROUTER: path.join(import.meta.dirname, 'router.ts'),
      MODEL,
      ROWS: writeRows(path.join(dir, 'rows.jsonl')),
    },
  });
  expect(JSON.parse(stdout)).toEqual([]);
});
