/** A run's record names the places that its base model and its rows were read from; they may have been moved since. */
import fs from 'node:fs';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Run } from '../../catalog/runs.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';

type Places = Pick<Catalog, 'models' | 'datasets'>;

/**
 * The spec with the folder in which the model of the same weights lies now, and the file with the same rows. Where the
 * catalogue knows no other place it stays as it is; the reader checks the hash in any case.
 */
export function presentSpec(
  { models, datasets }: Places,
  { modelId, datasetId, spec }: Pick<Run, 'modelId' | 'datasetId' | 'spec'>,
): RunSpec {
  const dir = modelDir(models, modelId, spec.model);
  const file = dataFile(datasets, datasetId, spec.data);
  if (dir === spec.model.dir && file === spec.data.file) return spec;
  return { ...spec, model: { ...spec.model, dir }, data: { ...spec.data, file } };
}

/** A model that was removed and added again has another id; its hash tells. */
function modelDir(models: Places['models'], id: string | null, { dir, hash }: RunSpec['model']): string {
  const isSame = (model: RegisteredModel): boolean => model.hash === hash;
  const own = id === null ? undefined : models.get(id);
  if (own && isSame(own)) return own.dir;
  return (fs.existsSync(dir) ? undefined : models.list().find(isSame)?.dir) ?? dir;
}

function dataFile(
  { versions }: Places['datasets'],
  id: string | null,
  { file, hash, version }: RunSpec['data'],
): string {
  const own = id === null || version === undefined ? undefined : versions.get(id, version);
  return own !== undefined && own.hash === hash ? own.file : file;
}
