/** Everything that the API shows of what a data folder holds, but for what opening it writes just then. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createCaller } from '../../src-main/api/router.ts';
import type { Services } from '../../src-main/app/services.ts';
import type { ExportRecord } from '../../src-main/catalog/exports.ts';
import { PLACEHOLDER } from './relocate.ts';

/** As plain JSON, with the placeholder for `target`, which holds `home/` and `files/`. */
export async function describeHome(services: Services, target: string): Promise<Record<string, unknown>> {
  const api = createCaller(services);
  const runs = await api.runs.list();
  const adapters = await api.adapters.list({});
  const models = await api.models.list();
  const datasets = await api.datasets.list();
  const board = await api.home.board();
  const versions = await byId(datasets, (id) => api.datasets.versions({ id }));
  const said = {
    // Told since.
    models: models.map((model) => ({ ...model, runId: undefined })),
    datasets,
    versions,
    rows: await byId(datasets, (id) =>
      Promise.all(
        versions[id]!.map(async ({ number }) => ({
          version: number,
          ...(await api.datasets.rows({ id, version: number })),
          bad: (await api.datasets.badRows({ id, version: number })).rows,
          split: await api.datasets.split({ id, version: number, val: 0.2, seed: 3 }),
        })),
      ),
    ),
    tasks: await api.tasks.list(),
    // The run of a Graft process that was killed is noted as failed by whoever opens the folder next.
    runs: runs.map((run) => ({
      ...run,
      ownerPid: undefined,
      // Told since.
      trainingMs: undefined,
      endedAt: run.name === 'killed with Graft' ? 'now' : run.endedAt,
    })),
    metrics: await byId(runs, (id) => api.runs.metrics({ id })),
    samples: await byId(runs, (id) => api.runs.samples({ id })),
    log: await byId(runs, (id) => api.runs.log({ id })),
    checkpoints: await byId(runs, (id) => api.runs.checkpoints({ id })),
    adapters: await byId(adapters, async (id) => {
      const { lineage, ...adapter } = await api.adapters.details({ id });
      // adapter_config.json names the base's folder, so its size is that of the path.
      const files = lineage.files.map((file) => (file.name === 'adapter_config.json' ? { name: file.name } : file));
      return { ...adapter, lineage: { ...lineage, files } };
    }),
    adapterOrder: adapters.map(({ id }) => id),
    trash: await api.adapters.listTrash(),
    exports: (await api.exports.list()).map(asBefore),
    history: await api.playground.history.list(),
    scores: await byId(models, (modelId) => api.playground.votes.scores({ modelId })),
    settings: await api.system.settings(),
    // The time left is told with the progress of the run under way only, no longer here.
    board: {
      ...board,
      runs: board.runs.map((run) => ({ ...run, remainingMs: null })),
      exports: board.exports.map(asBefore),
    },
    weights: weightHashes(target),
  };
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  return JSON.parse(JSON.stringify(said).replaceAll(inJson(target), PLACEHOLDER)) as Record<string, unknown>;
}

/** Formats have come since; what was `merged` is a Hugging Face folder, and `adapter` a copy in PEFT's format. */
function asBefore({ format, quantise: _none, maxShardBytes: _neither, ...record }: Partial<ExportRecord>) {
  return { ...record, kind: format === 'peft' ? 'adapter' : 'merged' };
}

async function byId<T>(rows: readonly { id: string }[], ask: (id: string) => Promise<T>): Promise<Record<string, T>> {
  return Object.fromEntries(await Promise.all(rows.map(async ({ id }) => [id, await ask(id)] as const)));
}

/** sha256 of every weights file. */
function weightHashes(target: string): Record<string, string> {
  const names = fs.readdirSync(target, { recursive: true, encoding: 'utf8' });
  const hash = (name: string): string =>
    createHash('sha256')
      .update(fs.readFileSync(path.join(target, name)))
      .digest('hex');
  return Object.fromEntries(
    names
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .map((name) => [name, hash(name)]),
  );
}
