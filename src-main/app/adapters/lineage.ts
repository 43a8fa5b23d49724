/** Where an adapter comes from: base, data, run, files, and every setting by its name in the run's record. */
import fs from 'node:fs';
import path from 'node:path';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RunStatus } from '../../catalog/runs.ts';
import type { MethodSettings } from '../../../src-shared/methods/registry.ts';
import { typeFirst } from '../../../src-shared/flatSettings.ts';
import { ADAPTER_WEIGHTS } from '../../adapters/files.ts';
import { elementCount, openSafetensors } from '../../safetensors/read.ts';

export interface Setting {
  /** Place in the run's record, e.g. `train.lr`. */
  key: string;
  value: string | number | boolean;
}

export interface AdapterLineage {
  model: { id: string; name: string; dir: string } | null;
  /**
   * `hash`: of the rows it was trained on; `current` is false where the dataset has changed since. Null for an imported
   * adapter.
   */
  dataset: { id: string | null; name: string; file: string; hash: string | null; current: boolean } | null;
  run: {
    id: string;
    name: string;
    status: RunStatus;
    engine: string;
    seed: number;
    steps: number | null;
    startedAt: string | null;
    endedAt: string | null;
  } | null;
  /** Values in the weights file; null when it cannot be read. */
  parameters: number | null;
  files: { name: string; sizeBytes: number }[];
  settings: Setting[];
}

export function lineageOf(catalog: Catalog, adapter: Adapter): AdapterLineage {
  const model = adapter.modelId === null ? undefined : catalog.models.get(adapter.modelId);
  return {
    model: model ? { id: model.id, name: model.name, dir: model.dir } : null,
    ...originOf(catalog, adapter),
    parameters: parametersIn(adapter.dir),
    files: filesIn(adapter.dir),
    settings: settingsOf(catalog, adapter),
  };
}

function originOf(catalog: Catalog, { runId }: Adapter): Pick<AdapterLineage, 'dataset' | 'run'> {
  const run = runId === null ? undefined : catalog.runs.get(runId);
  if (!run) return { dataset: null, run: null };
  const { data, train, engine } = run.spec;
  const dataset = run.datasetId === null ? undefined : catalog.datasets.get(run.datasetId);
  return {
    dataset: {
      id: dataset?.id ?? null,
      name: dataset?.name ?? path.basename(data.file),
      file: data.file,
      hash: data.hash ?? null,
      current: dataset !== undefined && dataset.hash === data.hash,
    },
    run: {
      id: run.id,
      name: run.name,
      status: run.status,
      engine: run.started?.engine ?? engine,
      seed: train.seed,
      steps: run.result?.steps ?? null,
      startedAt: run.startedAt,
      endedAt: run.endedAt,
    },
  };
}

/** Base and method; with a run also its data and training, each value that is set. */
export function settingsOf(
  catalog: Catalog,
  adapter: Pick<Adapter, 'runId' | 'baseHash'> & { method: MethodSettings },
): Setting[] {
  const run = adapter.runId === null ? undefined : catalog.runs.get(adapter.runId);
  const { method, baseHash } = adapter;
  if (!run) return flatten({ base: { hash: baseHash }, method });
  const { data, train, objective, engine, baseDtype = 'f32', embeddingDtype } = run.spec;
  return flatten({
    base: { hash: baseHash, dtype: baseDtype, embeddingDtype },
    engine: run.started?.engine ?? engine,
    data,
    method,
    objective: objective && typeFirst(objective),
    train,
  });
}

/** Leaves as `a.b.c`; a list is one value. */
function flatten(value: object, prefix = ''): Setting[] {
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]): Setting[] => {
    const key = `${prefix}${name}`;
    if (entry === undefined || entry === null) return [];
    if (Array.isArray(entry)) return [{ key, value: entry.join(' ') }];
    if (typeof entry === 'object') return flatten(entry, `${key}.`);
    return typeof entry === 'string' || typeof entry === 'number' || typeof entry === 'boolean'
      ? [{ key, value: entry }]
      : [];
  });
}

function parametersIn(dir: string): number | null {
  try {
    const file = openSafetensors(path.join(dir, ADAPTER_WEIGHTS));
    file.close();
    return [...file.tensors.values()].reduce((sum, info) => sum + elementCount(info), 0);
  } catch {
    return null;
  }
}

function filesIn(dir: string): AdapterLineage['files'] {
  if (!fs.existsSync(dir)) return [];
  const files = fs.readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ name }) => ({ name, sizeBytes: fs.statSync(path.join(dir, name)).size }))
    .sort((a, b) => a.name.localeCompare(b.name));
}
