/** How a caller names rows to look at: a version of a registered dataset, or a file with its reading rules. */
import path from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import type { Reading } from './look.ts';

export const readingSchema = z.object({
  file: z.string().min(1),
  format: dataSpecSchema.shape.format,
  map: dataSpecSchema.shape.map,
});

export const versionSchema = z.object({ id: z.string(), version: z.number().int().min(1).optional() });

/** Either of them; `map` may overrule how a dataset's columns are read. */
export const sourceSchema = z.object({
  id: z.string().optional(),
  version: z.number().int().min(1).optional(),
  file: z.string().min(1).optional(),
  format: dataSpecSchema.shape.format,
  map: z.record(z.string(), z.string()).optional(),
});

export const windowSchema = z.object({
  offset: z.number().int().min(0).default(0),
  count: z.number().int().min(1).max(500).default(100),
});

/** Throws a usage error DATASET_NOT_FOUND or DATASET_VERSION_NOT_FOUND. */
export function datasetAt(catalog: Catalog, id: string, version?: number): Dataset {
  const dataset = catalog.datasets.get(id);
  if (!dataset)
    throw usageError('DATASET_NOT_FOUND', `There is no dataset ${id} in the catalogue; add its file again.`, {
      datasetId: id,
    });
  if (version === undefined) return dataset;
  const found = catalog.datasets.at(id, version);
  if (!found)
    throw usageError(
      'DATASET_VERSION_NOT_FOUND',
      `${dataset.name} has no version ${version}; choose one that its list of versions shows.`,
      { datasetId: id, version },
    );
  return found;
}

/** Throws what datasetAt throws, or a usage error BAD_INPUT where neither a dataset nor a file is named. */
export function readingOf(catalog: Catalog, input: z.infer<typeof sourceSchema>): Required<Reading> {
  if (input.id !== undefined) {
    const { file, format, map } = datasetAt(catalog, input.id, input.version);
    return { file, format, map: input.map ?? map };
  }
  if (input.file === undefined) throw usageError('BAD_INPUT', 'Name a dataset or a file to look at.');
  return { file: path.resolve(input.file), format: input.format ?? null, map: input.map ?? {} };
}

/** Folder of a registered model. Throws a usage error MODEL_NOT_FOUND. */
export function modelDirOf(catalog: Catalog, modelId: string): string {
  const model = catalog.models.get(modelId);
  if (!model)
    throw usageError('MODEL_NOT_FOUND', `There is no base model ${modelId} in the catalogue; add its folder first.`, {
      modelId,
    });
  return model.dir;
}
