/**
 * Datasets: a file with its reading rules, checked before it is registered; its rows, versions and previews have files
 * of their own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { OpenProgress } from '../datasets/datasetFiles.ts';
import { noUsableRows } from '../datasets/dataset.ts';
import { GraftError } from '../../src-shared/errors.ts';
import type { Services } from '../app/services.ts';
import { dataSpecSchema } from '../../src-shared/runSpec.ts';
import { checkFile } from '../app/datasets/check.ts';
import { addDataset, addSchema } from '../app/datasets/add.ts';
import { mapFirstRows } from '../app/datasets/columns.ts';
import { datasetAt, modelDirOf, readingOf, readingSchema, sourceSchema } from '../app/datasets/input.ts';
import { lookAt } from '../app/datasets/look.ts';
import { previewProcedures } from './datasetPreview.ts';
import { removalProcedures } from '../app/datasets/removal.ts';
import { rowProcedures } from './datasetRows.ts';
import { versionProcedures } from './datasetVersions.ts';
import { procedure, router } from './trpc.ts';

const PROGRESS_MS = 100;

export function datasetsRouter(services: Services) {
  const { catalog, datasetFiles, tokens } = services;
  return router({
    ...rowProcedures(services),
    ...previewProcedures(services),
    ...versionProcedures(services),
    ...removalProcedures(services),

    list: procedure.query(() => catalog.datasets.list()),

    /** Reads the whole file: good rows, every bad row with its line and reason, and with a model also token lengths. */
    check: procedure
      .input(
        readingSchema.extend({
          modelId: z.string().optional(),
          maxLength: dataSpecSchema.shape.maxLength.optional(),
          lossOn: dataSpecSchema.shape.lossOn.optional(),
        }),
      )
      .query(({ input: { modelId, ...input } }) =>
        checkFile({ ...input, modelDir: modelId === undefined ? undefined : modelDirOf(catalog, modelId) }, (options) =>
          tokens.check(options),
        ),
      ),

    /** How far the file has been read, in bytes, until it is open for looking at. */
    open: procedure.input(sourceSchema).subscription(async function* ({ input, signal }): AsyncGenerator<OpenProgress> {
      const { file, format } = readingOf(catalog, input);
      const index = datasetFiles.index(file, format);
      let isOpen = false;
      index.then(
        () => (isOpen = true),
        () => (isOpen = true),
      );
      while (!isOpen && !signal?.aborted) {
        yield { ...datasetFiles.progress(file, format) };
        await Promise.race([index.catch(() => undefined), sleep(PROGRESS_MS)]);
      }
      const { sizeBytes } = await index;
      yield { done: sizeBytes, total: sizeBytes };
    }),

    /**
     * What is in a file or a version: format, columns and how they are read, good and bad rows, duplicates, the first
     * rows.
     */
    look: procedure.input(sourceSchema).query(({ input }) => lookAt(datasetFiles, readingOf(catalog, input))),

    /** How the first rows would be read with other columns. */
    mapped: procedure.input(sourceSchema).query(({ input }) => mapFirstRows(datasetFiles, readingOf(catalog, input))),

    /** Registers a file. Bad rows refuse it unless `allowBadRows` says that the rest may go on. */
    add: procedure.input(addSchema).mutation(({ input }) => addDataset(services, input)),

    rename: procedure
      .input(z.object({ id: z.string(), name: z.string().trim().min(1).max(120) }))
      .mutation(({ input }) => {
        datasetAt(catalog, input.id);
        catalog.datasets.rename(input.id, input.name);
        return datasetAt(catalog, input.id);
      }),

    /** Reads the current version with other columns. */
    setMap: procedure
      .input(
        z.object({ id: z.string(), map: z.record(z.string(), z.string()), allowBadRows: z.boolean().default(false) }),
      )
      .mutation(async ({ input: { id, map, allowBadRows } }) => {
        const { file, format, version, allowBadRows: allowed } = datasetAt(catalog, id);
        const { good, bad } = await datasetFiles.survey(file, format, map);
        if (good.count === 0) throw noUsableRows(file, bad);
        const [first] = bad;
        if (first && !allowBadRows && !allowed) {
          throw new GraftError(
            'DATASET_BAD_ROWS',
            `With these columns ${bad.length} rows of ${file} cannot be used, the first at line ${first.line}: ` +
              `${first.reason}; choose other columns, or go on without these rows.`,
            { bad: bad.length },
          );
        }
        catalog.datasets.versions.setMap({
          datasetId: id,
          number: version,
          map,
          rows: good.count,
          badRows: bad.length,
        });
        if (allowBadRows) catalog.datasets.setAllowBadRows(id, true);
        return datasetAt(catalog, id);
      }),

    /** Whether a run may go on without the bad rows. */
    allowBadRows: procedure.input(z.object({ id: z.string(), allow: z.boolean() })).mutation(({ input }) => {
      datasetAt(catalog, input.id);
      catalog.datasets.setAllowBadRows(input.id, input.allow);
      return datasetAt(catalog, input.id);
    }),
  });
}
