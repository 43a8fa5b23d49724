/** The model card of an export, from what the catalogue knows of its adapters or model, their runs and their data. */
import fs from 'node:fs';
import path from 'node:path';
import { ADAPTER_CONFIG } from '../../adapters/files.ts';
import { isPlainLora } from '../../adapters/plainLora.ts';
import { hubRepositoryOf } from '../../basemodel/folderName.ts';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import type { Run } from '../../catalog/runs.ts';
import type { CardFacts } from '../../exporting/card/facts.ts';
import { modelCard } from '../../exporting/card/modelCard.ts';
import { exportName, isAsItIs } from '../../../src-shared/exportFormats.ts';
import { describeMethod, type MethodSettings } from '../../../src-shared/methods/registry.ts';
import { settingsOf } from '../adapters/lineage.ts';
import { look } from '../looking/look.ts';
import { runOfModel } from '../models/runOfModel.ts';
import { proofsOf } from './cardProofs.ts';

export const CARD_FILE = 'README.md';
/** A card of one adapter with its run, to within a kilobyte. */
export const CARD_BYTES = 2500;

/** Of an export that is completed, or of one that shall be: then without proofs. */
type Exported = Pick<ExportRecord, 'format' | 'adapterId' | 'tasks' | 'modelDir' | 'outDir' | 'result'>;

/** Text of README.md. Reads the card of the base, for its licence, in a look. */
export async function cardOf(catalog: Catalog, record: Exported): Promise<string> {
  return modelCard(await factsOf(catalog, record));
}

/**
 * The card of an adapter that goes to a repository of the hub: of the user's own words only the adapter's name and its
 * task go along, no notes and no names of files.
 */
export async function cardForHub(catalog: Catalog, adapter: Adapter, repository: string): Promise<string> {
  const { id: adapterId, modelId, name } = adapter;
  const modelDir = (modelId === null ? undefined : catalog.models.get(modelId)?.dir) ?? '';
  const facts = await factsOf(catalog, {
    format: 'peft',
    adapterId,
    tasks: null,
    modelDir,
    outDir: name,
    result: null,
  });
  const data = facts.data && { ...facts.data, name: null };
  return modelCard({ ...facts, name, data, notes: '', repository });
}

async function factsOf(catalog: Catalog, record: Exported): Promise<CardFacts> {
  if (isAsItIs(record)) return factsOfWhole(catalog, record);
  const adapters = adaptersOf(catalog, record);
  const dir = record.result ? record.outDir : (adapters[0]?.adapter.dir ?? '');
  const [only] = adapters.length === 1 ? adapters.map(({ adapter }) => adapter) : [];
  return {
    format: record.format,
    name: exportName(record.outDir),
    base: await baseOf(catalog, record.modelDir, adapters[0]?.adapter),
    adapters: adapters.map(({ adapter, scale }) => ({
      name: adapter.name,
      method: describeMethod(adapter.method),
      scale,
    })),
    ...(only ? ofOne(catalog, { ...only, task: catalog.tasks.get(only.taskId)?.name ?? null }) : NOTHING),
    inPeft: fs.existsSync(path.join(dir, ADAPTER_CONFIG)),
    plainLora: isPlainLora(dir),
    proofs: proofsOf(record),
    files: record.result?.files ?? [],
  };
}

/** Of a model that was fine-tuned whole the base is what it was trained from, else it is the base itself. */
async function factsOfWhole(catalog: Catalog, record: Exported): Promise<CardFacts> {
  const run = runOfModel(catalog, record.modelDir);
  const from = run && { modelId: run.modelId, baseHash: run.spec.model.hash };
  return {
    format: record.format,
    name: exportName(record.outDir),
    base: await baseOf(catalog, run?.spec.model.dir ?? record.modelDir, from),
    adapters: [],
    whole: run ? describeMethod(run.spec.method) : null,
    ...(run ? ofOne(catalog, tunedBy(run)) : NOTHING),
    inPeft: false,
    plainLora: false,
    proofs: proofsOf(record),
    files: record.result?.files ?? [],
  };
}

function adaptersOf(catalog: Catalog, { adapterId, tasks }: Exported): { adapter: Adapter; scale: number }[] {
  const all = catalog.adapters.list();
  if (tasks)
    return tasks.flatMap(({ adapterDir, scale }) => {
      const adapter = all.find(({ dir }) => dir === adapterDir);
      return adapter ? [{ adapter, scale }] : [];
    });
  const adapter = adapterId === null ? undefined : catalog.adapters.get(adapterId);
  return adapter ? [{ adapter, scale: 1 }] : [];
}

type Origin = Pick<Adapter, 'modelId' | 'baseHash'>;

async function baseOf(catalog: Catalog, modelDir: string, adapter: Origin | undefined): Promise<CardFacts['base']> {
  const model =
    (adapter?.modelId ? catalog.models.get(adapter.modelId) : undefined) ??
    catalog.models.list().find(({ dir }) => dir === modelDir);
  const dir = model?.dir ?? modelDir;
  const repository = hubRepositoryOf(dir) ?? null;
  return {
    name: repository ?? model?.name ?? (dir === '' ? 'not in the catalogue any more' : path.basename(dir)),
    repository,
    hash: model?.hash ?? adapter?.baseHash ?? 'not known',
    licence: dir === '' ? null : await look('licenceOf', [dir]).catch(() => null),
  };
}

type OfOne = Pick<CardFacts, 'task' | 'data' | 'settings' | 'metrics' | 'notes'>;

const NOTHING: OfOne = { task: null, data: null, settings: [], metrics: [], notes: '' };

/** One adapter, or a model that was fine-tuned whole. */
type Tuned = Pick<Adapter, 'runId' | 'baseHash' | 'finalLoss' | 'valLoss' | 'notes'> &
  Pick<OfOne, 'task'> & { method: MethodSettings };

function tunedBy({ id, spec, result }: Run): Tuned {
  const { finalLoss = null, valLoss = null } = result ?? {};
  return { runId: id, method: spec.method, baseHash: spec.model.hash, finalLoss, valLoss, notes: '', task: spec.task };
}

function ofOne(catalog: Catalog, adapter: Tuned): OfOne {
  return {
    task: adapter.task,
    data: dataOf(catalog, adapter),
    settings: settingsOf(catalog, adapter)
      .filter(({ key }) => /^(method|train)\./.test(key) && !/prompt/i.test(key))
      .map(({ key, value }): [string, string] => [key.slice(key.indexOf('.') + 1), String(value)]),
    metrics: metricsOf(catalog, adapter),
    notes: adapter.notes,
  };
}

function dataOf(catalog: Catalog, { runId }: Tuned): CardFacts['data'] {
  const run = runId === null ? undefined : catalog.runs.get(runId);
  if (!run) return null;
  const { file, hash, version } = run.spec.data;
  const dataset = run.datasetId === null ? undefined : catalog.datasets.get(run.datasetId);
  const known = dataset && version !== undefined ? catalog.datasets.at(dataset.id, version) : undefined;
  return {
    name: dataset?.name ?? path.basename(file),
    version: version ?? null,
    hash: hash ?? null,
    rows: known?.hash === hash ? (known?.rows ?? null) : null,
  };
}

function metricsOf(catalog: Catalog, { runId, finalLoss, valLoss }: Tuned): [string, string][] {
  const steps = runId === null ? undefined : catalog.runs.get(runId)?.result?.steps;
  const rows: [string, number | null | undefined, (value: number) => string][] = [
    ['Steps', steps, String],
    ['Loss at the end of training', finalLoss, (value) => value.toFixed(4)],
    ['Validation loss', valLoss, (value) => value.toFixed(4)],
  ];
  return rows.flatMap(([name, value, write]) =>
    value === null || value === undefined ? [] : [[name, write(value)] as [string, string]],
  );
}
