/** A run's record names the folder that its base model was read from; the model may have been moved since. */
import fs from 'node:fs';
import type { Catalog } from '../catalog/catalog.ts';
import type { BaseModel } from '../catalog/models.ts';
import type { Run } from '../catalog/runs.ts';
import type { RunSpec } from '../trainer/protocol.ts';

/**
 * The spec with the folder in which the model of the same weights lies now. Where the catalogue knows of none it stays as
 * it is; whoever reads the folder checks the hash in any case.
 */
export function presentSpec({ models }: Pick<Catalog, 'models'>, { modelId, spec }: Pick<Run, 'modelId' | 'spec'>): RunSpec {
  const dir = relocatedTo(models, modelId, spec.model);
  return dir === undefined ? spec : { ...spec, model: { ...spec.model, dir } };
}

/** Undefined: not known to have moved. A model that was removed and added again has another id; its hash tells. */
function relocatedTo(models: Catalog['models'], id: string | null, { dir, hash }: RunSpec['model']): string | undefined {
  const isSame = (model: BaseModel | undefined): boolean => model?.hash === hash;
  const own = id === null ? undefined : models.get(id);
  if (isSame(own)) return own!.dir === dir ? undefined : own!.dir;
  return fs.existsSync(dir) ? undefined : models.list().find(isSame)?.dir;
}
