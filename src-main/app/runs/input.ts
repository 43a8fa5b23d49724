/** What a caller says to start a run, checked by zod, and how it becomes a self-contained RunSpec. */
import fs from 'node:fs';
import { z } from 'zod';
import type { RegisteredModel } from '../../catalog/models.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { newId } from '../home.ts';
import type { Home } from '../home.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { checkClassify, checkMethod, checkSamples, checkSmoothing } from '../../methods/checkMethod.ts';
import { methodSchema } from '../../../src-shared/methodSettings.ts';
import { dataSpecSchema, type RunSpec, runSpecSchema } from '../../../src-shared/runSpec.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';

export const startRunSchema = z.object({
  modelId: z.string(),
  datasetId: z.string(),
  /** Default: the dataset's current version. */
  datasetVersion: z.number().int().min(1).optional(),
  /** The task is created when there is none of this name. */
  taskName: z.string().trim().min(1).max(80),
  /** Shown in lists; by default the task's name. */
  name: z.string().trim().min(1).max(120).optional(),
  engine: runSpecSchema.shape.engine,
  baseDtype: runSpecSchema.shape.baseDtype,
  method: methodSchema,
  train: trainSettingsSchema,
  data: dataSpecSchema.pick({ lossOn: true, maxLength: true, classify: true, excludeLines: true }).prefault({}),
});
export type StartRun = z.input<typeof startRunSchema>;
export type StartRunChecked = z.output<typeof startRunSchema>;

/** Throws a usage error when the model or the dataset is not registered. */
export function findParts(catalog: Catalog, input: StartRunChecked): { model: RegisteredModel; dataset: Dataset } {
  const model = catalog.models.get(input.modelId);
  if (!model)
    throw usageError(
      'MODEL_NOT_FOUND',
      `There is no base model ${input.modelId} in the catalogue; add its folder first.`,
      { modelId: input.modelId },
    );
  const dataset = catalog.datasets.get(input.datasetId);
  if (!dataset)
    throw usageError(
      'DATASET_NOT_FOUND',
      `There is no dataset ${input.datasetId} in the catalogue; add its file first.`,
      { datasetId: input.datasetId },
    );
  const version = input.datasetVersion === undefined ? dataset : catalog.datasets.at(dataset.id, input.datasetVersion);
  if (!version)
    throw usageError(
      'DATASET_VERSION_NOT_FOUND',
      `${dataset.name} has no version ${input.datasetVersion}; choose one that its list of versions shows.`,
      { datasetId: dataset.id, version: input.datasetVersion },
    );
  if (!fs.existsSync(version.file)) {
    throw new GraftError(
      'NOT_FOUND',
      `The file ${version.file} of the dataset ${dataset.name} does not exist any more; put it back, or choose ` +
        `where it lies now on the dataset's page.`,
      { path: version.file },
    );
  }
  return { model, dataset: version };
}

/** Throws MODEL_CHANGED when the folder is not what was registered, or why targets or rank do not fit the model. */
export function checkModel(
  { dir, name, hash }: RegisteredModel,
  { method, train }: Pick<RunSpec, 'method' | 'train'>,
): void {
  const checkpoint = openBaseModel(dir);
  try {
    if (checkpoint.hash !== hash)
      throw new GraftError(
        'MODEL_CHANGED',
        `The files in ${dir} have changed since ${name} was added; add the folder again.`,
        { dir },
      );
    checkMethod(checkpoint.spec, [...checkpoint.tensors.keys()], method);
    checkSmoothing(checkpoint.spec, train);
  } finally {
    checkpoint.close();
  }
}

export function buildSpec(
  home: Home,
  input: StartRunChecked,
  parts: { model: RegisteredModel; dataset: Dataset },
): RunSpec {
  checkClassify(input.data, input.method);
  checkSamples(input);
  const { model, dataset } = parts;
  const runId = newId('run');
  return {
    runId,
    engine: input.engine,
    ...(input.baseDtype ? { baseDtype: input.baseDtype } : {}),
    model: { dir: model.dir, hash: model.hash },
    data: {
      file: dataset.file,
      ...(dataset.format ? { format: dataset.format } : {}),
      map: dataset.map,
      ...input.data,
      hash: dataset.hash,
      allowBadRows: dataset.allowBadRows,
      version: dataset.version,
    },
    task: input.taskName,
    method: input.method,
    train: input.train,
    runDir: home.runDir(runId),
    outDir: newOutDir(home, input.method.type),
  };
}

/**
 * A request, checked against the catalogue, the model and the settings. Throws GraftError where something does not fit.
 */
export function checkStart(
  home: Home,
  catalog: Catalog,
  input: StartRun,
): { checked: StartRunChecked; parts: ReturnType<typeof findParts>; spec: RunSpec } {
  const checked = startRunSchema.parse(input);
  checkBaseDtype(checked.baseDtype, checked.engine, checked.method.type);
  const parts = findParts(catalog, checked);
  checkModel(parts.model, checked);
  return { checked, parts, spec: buildSpec(home, checked, parts) };
}

/** Id of the task of this name, which is made where there is none. */
export function taskFor(catalog: Catalog, name: string): string {
  const task = catalog.tasks.byName(name);
  if (task) return task.id;
  const id = newId('task');
  catalog.tasks.insert({ id, name, createdAt: new Date().toISOString() });
  return id;
}

/** Folder for what the run makes: an adapter, or a whole model for full fine-tuning. */
export function newOutDir(home: Home, method: RunSpec['method']['type']): string {
  return method === 'full' ? home.modelDir(newId('model')) : home.adapterDir(newId('adapter'));
}
