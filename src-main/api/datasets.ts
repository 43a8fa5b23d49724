/** Datasets: a file with its reading rules, checked before it is registered. */
import path from 'node:path';
import { z } from 'zod';
import { GraftError, usageError } from '../errors.ts';
import { newId } from '../home.ts';
import type { Services } from '../services.ts';
import { dataSpecSchema } from '../trainer/protocol.ts';
import { checkFile } from './checkDataset.ts';
import { procedure, router } from './trpc.ts';

const reading = z.object({ file: z.string().min(1), format: dataSpecSchema.shape.format, map: dataSpecSchema.shape.map });

export function datasetsRouter({ catalog }: Services) {
  const modelDirOf = (modelId: string): string => {
    const model = catalog.models.get(modelId);
    if (!model) throw usageError('MODEL_NOT_FOUND', `There is no base model ${modelId} in the catalogue; add its folder first.`, { modelId });
    return model.dir;
  };

  return router({
    list: procedure.query(() => catalog.datasets.list()),

    /** Reads the whole file: good rows, every bad row with its line and reason, and with a model also token lengths. */
    check: procedure
      .input(reading.extend({ modelId: z.string().optional(), maxLength: dataSpecSchema.shape.maxLength.optional(), lossOn: dataSpecSchema.shape.lossOn.optional() }))
      .query(({ input: { modelId, ...input } }) => checkFile({ ...input, modelDir: modelId === undefined ? undefined : modelDirOf(modelId) })),

    /** Registers a file. Bad rows refuse it unless `allowBadRows` says that the rest may go on. */
    add: procedure.input(reading.extend({ name: z.string().trim().min(1).max(120).optional(), allowBadRows: z.boolean().default(false) })).mutation(async ({ input }) => {
      const report = await checkFile(input);
      const first = report.badRows[0];
      if (first && !input.allowBadRows) {
        throw new GraftError('DATASET_BAD_ROWS', `${report.file} has ${report.badRows.length} bad rows, the first at line ${first.line}: ${first.reason}; correct them, or allow bad rows to go on with the other ${report.rows}.`, { badRows: report.badRows });
      }
      const format = input.format ?? null;
      const known = catalog.datasets.find(report.file, format, input.map);
      return catalog.datasets.save({
        id: known?.id ?? newId('data'),
        name: input.name ?? known?.name ?? path.basename(report.file),
        file: report.file,
        format,
        map: input.map,
        rows: report.rows,
        badRows: report.badRows.length,
        allowBadRows: input.allowBadRows,
        hash: report.hash,
        createdAt: known?.createdAt ?? new Date().toISOString(),
      });
    }),

    /** Forgets a dataset; its file is left alone. */
    remove: procedure.input(z.object({ id: z.string() })).mutation(({ input }) => {
      if (!catalog.datasets.remove(input.id)) throw usageError('DATASET_NOT_FOUND', `There is no dataset ${input.id} in the catalogue.`, { datasetId: input.id });
      return { removed: input.id };
    }),
  });
}
