/** What a caller says to start a run, checked by zod, and how it becomes a self-contained RunSpec. */
import fs from 'node:fs';
import { z } from 'zod';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { newId } from '../ids.ts';
import { look } from '../looking/look.ts';
import { nameSchema, taskNameSchema } from '../inputs.ts';
import type { DatasetService } from '../datasets/service.ts';
import type { ModelService } from '../models/service.ts';
import type { Home } from '../storage/home.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { checkClassify, checkObjective, checkSamples } from '../../methods/checkMethod.ts';
import { dataSpecSchema, type RunSpec, runSpecSchema } from '../../../src-shared/runSpec.ts';
import { LOCAL_TARGET } from '../../../src-shared/remoteTargets.ts';
import { FIT_PARTS } from '../../../src-shared/plan.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import { descriptorOf, methodSchema } from '../../../src-shared/methods/registry.ts';

/** A time with its zone, or null for at once; kept in UTC. */
export const startTimeSchema = z.iso
  .datetime({ offset: true, error: 'is no time with a zone, such as 2026-12-01T22:00:00Z' })
  .transform((text) => new Date(text).toISOString())
  .nullable();

export const startRunSchema = z.object({
  modelId: z.string(),
  datasetId: z.string(),
  /** Default: the dataset's current version. */
  datasetVersion: z.number().int().min(1).optional(),
  /** The task is created when there is none of this name. */
  taskName: taskNameSchema,
  /** Shown in lists; by default the task and what tells the run from its others. */
  name: nameSchema.optional(),
  /** Name of the target that trains it; absent or `local`: this machine. */
  target: z.string().optional(),
  /** The run waits in the queue until then; absent or null: only for its turn. */
  notBefore: startTimeSchema.optional(),
  engine: runSpecSchema.shape.engine,
  baseDtype: runSpecSchema.shape.baseDtype,
  embeddingDtype: runSpecSchema.shape.embeddingDtype,
  method: methodSchema,
  objective: runSpecSchema.shape.objective,
  /** Id of the adapter whose values the run begins with, in place of `method` with its settings. */
  startsFrom: z.string().optional(),
  train: trainSettingsSchema,
  data: dataSpecSchema
    .pick({
      lossOn: true,
      maxLength: true,
      promptTemplate: true,
      ownTemplate: true,
      controlTokens: true,
      classify: true,
      excludeLines: true,
    })
    .prefault({}),
});
export type StartRun = z.input<typeof startRunSchema>;
export type StartRunChecked = z.output<typeof startRunSchema>;

export const annotateSchema = z.object({
  id: z.string(),
  tags: z.array(z.string().trim().min(1).max(40)).max(20).optional(),
  notes: z.string().max(10_000).optional(),
});

export const archiveSchema = z.object({ ids: z.array(z.string()).min(1).max(10_000), archived: z.boolean() });

/** A run that is to fit, and what of it must stay as it is. */
export const fitSchema = startRunSchema.extend({ keep: z.array(z.enum(FIT_PARTS)).default([]) });

/** What the ids in a request name. */
export interface Registered {
  models: ModelService;
  datasets: DatasetService;
  catalog: Pick<Catalog, 'adapters'>;
}

/**
 * Throws a usage error where model, dataset or version is not registered, and NOT_FOUND where the dataset's file is
 * gone.
 */
export function findParts(
  { models, datasets }: Omit<Registered, 'catalog'>,
  input: StartRunChecked,
): { model: RegisteredModel; dataset: Dataset } {
  const model = models.require(input.modelId);
  const dataset = datasets.require(input.datasetId, input.datasetVersion);
  if (!fs.existsSync(dataset.file))
    throw new GraftError(
      'NOT_FOUND',
      `The file ${dataset.file} of the dataset ${dataset.name} does not exist any more; put it back, or choose ` +
        `where it lies now on the dataset's page.`,
      { path: dataset.file },
    );
  return { model, dataset };
}

export function buildSpec(
  home: Home,
  input: StartRunChecked,
  parts: { model: RegisteredModel; dataset: Dataset },
  start?: Pick<Adapter, 'dir' | 'sha256'>,
): RunSpec {
  checkClassify(input.data, input.method);
  checkObjective(input);
  checkSamples(input);
  const { model, dataset } = parts;
  const runId = newId('run');
  return {
    runId,
    engine: input.engine,
    ...(input.baseDtype ? { baseDtype: input.baseDtype } : {}),
    ...(input.embeddingDtype ? { embeddingDtype: input.embeddingDtype } : {}),
    model: { dir: model.dir, hash: model.hash },
    data: {
      file: dataset.file,
      ...(dataset.format ? { format: dataset.format } : {}),
      ...(dataset.part === undefined ? {} : { part: dataset.part }),
      ...(dataset.noHeader ? { noHeader: true } : {}),
      map: dataset.map,
      ...input.data,
      promptTemplate: input.data.promptTemplate ?? 'auto',
      controlTokens: input.data.controlTokens ?? false,
      hash: dataset.hash,
      allowBadRows: dataset.allowBadRows,
      version: dataset.version,
    },
    task: input.taskName,
    method: input.method,
    ...(input.objective ? { objective: input.objective } : {}),
    ...(start ? { startsFrom: { dir: start.dir, sha256: start.sha256 } } : {}),
    train: input.train,
    shortWarmup: true,
    epochEnds: true,
    magnitudesDecay: true,
    runDir: home.runDir(runId),
    outDir: newOutDir(home, input.method.type),
  };
}

/**
 * A request, checked against the catalogue, the model and the settings. Throws GraftError where something does not fit.
 */
export async function checkStart(
  { home, catalog, ...registered }: Registered & { home: Home },
  input: StartRun,
): Promise<{ checked: StartRunChecked; parts: ReturnType<typeof findParts>; spec: RunSpec }> {
  const asked = startRunSchema.parse(input);
  const start = asked.startsFrom === undefined ? undefined : requireStart(catalog, asked.startsFrom);
  const checked = start ? { ...asked, method: plainStart(start.method) } : asked;
  checkBaseDtype(checked, checked.method.type);
  const parts = findParts(registered, checked);
  const { dir, name, hash } = parts.model;
  const { method: settings, train } = checked;
  if (start && start.baseHash !== hash)
    throw usageError(
      'ADAPTER_WRONG_BASE',
      `The adapter ${start.name} was trained on another base model than ${name}; choose the model that it belongs to.`,
      { adapter: start.id, model: parts.model.id },
    );
  const method = await look('checkModel', [
    { dir, name, hash },
    { method: settings, train },
  ]);
  return { checked, parts, spec: buildSpec(home, { ...checked, method }, parts, start) };
}

/** Throws a usage error ADAPTER_NOT_FOUND. */
function requireStart({ adapters }: Pick<Catalog, 'adapters'>, id: string): Adapter {
  const adapter = adapters.get(id);
  if (adapter) return adapter;
  throw usageError(
    'ADAPTER_NOT_FOUND',
    `There is no adapter ${id} to begin with; choose one that is in the catalogue.`,
    {
      adapter: id,
    },
  );
}

/** Its values are those of the adapter, so that it needs no look at base or data. */
function plainStart(method: Adapter['method']): Adapter['method'] {
  return 'init' in method ? { ...method, init: 'kaiming' } : method;
}

/** Undefined where it is to be trained here. */
export function targetOf({ target }: Pick<StartRun, 'target'>): string | undefined {
  return target === LOCAL_TARGET ? undefined : target;
}

/** Folder for what the run makes: an adapter, or a whole model for full fine-tuning. */
export function newOutDir(home: Home, method: RunSpec['method']['type']): string {
  return descriptorOf(method).wholeModel ? home.modelDir(newId('model')) : home.adapterDir(newId('adapter'));
}
