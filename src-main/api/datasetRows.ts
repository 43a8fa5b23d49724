/** Rows of a dataset: in windows for tables, and as a run will see them. */
import {
  checkRowSchema,
  distinctSchema,
  filteredSchema,
  filteredWindowSchema,
  lengthsSchema,
  previewSchema,
  rowLossesSchema,
  rowSchema,
  sourceSchema,
  sourceWindowSchema,
  splitSchema,
} from '../app/datasets/inputs.ts';
import type { Services } from '../app/services.ts';
import { procedure } from './trpc.ts';

export function rowProcedures({ datasetRows: rows, datasetPreview, datasetOutliers }: Services) {
  return {
    rows: procedure.input(filteredWindowSchema).query(({ input }) => rows.window(input)),
    matching: procedure.input(filteredSchema).query(({ input }) => rows.matching(input)),
    row: procedure.input(rowSchema).query(({ input }) => rows.row(input)),
    checkRow: procedure.input(checkRowSchema).query(({ input }) => rows.check(input)),
    badRows: procedure.input(sourceWindowSchema).query(({ input }) => rows.bad(input)),
    badRowsCsv: procedure.input(sourceSchema).query(({ input }) => rows.badAsCsv(input)),
    duplicates: procedure.input(sourceWindowSchema).query(({ input }) => rows.duplicates(input)),
    distinct: procedure.input(distinctSchema).query(({ input, signal }) => rows.distinct(input, signal)),
    lengthBias: procedure.input(sourceSchema).query(({ input }) => rows.lengthBias(input)),
    split: procedure.input(splitSchema).query(({ input }) => rows.split(input)),

    /** Progress, then the rows that a base finds least likely; leaving it ends the measuring. */
    rowLosses: procedure
      .input(rowLossesSchema)
      .subscription(({ input, signal }) => datasetOutliers.losses(input, signal)),
    preview: procedure.input(previewSchema).query(({ input }) => datasetPreview.tokens(input)),
    lengths: procedure.input(lengthsSchema).subscription(({ input, signal }) => datasetPreview.lengths(input, signal)),
  };
}
