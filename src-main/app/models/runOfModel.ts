/** The run that made a model by fine-tuning another one whole. */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { isAdapter } from '../../../src-shared/methods/registry.ts';

/** Undefined for a model that no run in the catalogue made. */
export function runOfModel({ models, runs }: Catalog, dir: string): Run | undefined {
  return tuningRunOf(runs.list(), { dir, id: models.byDir(dir)?.id });
}

/** The same among `runs`. A model may have moved since it was made: its id is the name of its first folder. */
export function tuningRunOf(runs: Run[], { dir, id }: { dir: string; id: string | undefined }): Run | undefined {
  return runs.find(
    ({ spec, result }) =>
      result !== null && !isAdapter(spec.method) && (result.outDir === dir || path.basename(result.outDir) === id),
  );
}
