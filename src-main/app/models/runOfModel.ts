/** The run that made a model by fine-tuning another one whole. */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { isAdapter } from '../../../src-shared/methods/registry.ts';

/** Undefined for a model that no run in the catalogue made. The model may have moved since: its id says it too. */
export function runOfModel({ models, runs }: Catalog, modelDir: string): Run | undefined {
  const id = models.byDir(modelDir)?.id;
  return runs.list().find(({ spec, result }) => {
    if (!result || isAdapter(spec.method)) return false;
    return result.outDir === modelDir || path.basename(result.outDir) === id;
  });
}
