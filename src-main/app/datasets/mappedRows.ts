/** How columns would be read, at once: from the first rows of a file, for trying out a mapping. */
import { PREVIEW_ROWS, previewRows } from '../../datasets/preview.ts';
import type { DatasetKind, Example, PreviewRow } from '../../../src-shared/datasets.ts';
import { planColumns } from '../../datasets/columns.ts';
import { toExample } from '../../datasets/examples.ts';
import { TimeSlice } from '../../datasets/timeSlice.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import type { Reading } from './look.ts';

export interface MappedRows {
  /** Null where the columns fit no shape: `problem` says why. */
  kind: DatasetKind | null;
  fields: Record<string, string>;
  problem: string | null;
  /** The first good rows as the model sees them. */
  preview: PreviewRow[];
  /** Bad ones among the rows that were tried. */
  bad: number;
  tried: number;
}

const TRIED_ROWS = 100;

/** Throws what readDataset throws, and MAP_NAME_UNKNOWN or MAP_COLUMN_UNKNOWN. */
export async function mapFirstRows(files: DatasetFiles, reading: Reading): Promise<MappedRows> {
  const { file, map } = reading;
  const index = await files.index(reading);
  const tried = Math.min(index.count, TRIED_ROWS);
  try {
    const plan = planColumns(file, index.columns, map);
    const slice = new TimeSlice();
    const examples: Example[] = [];
    let good = 0;
    for (let number = 0; number < tried; number++) {
      const example = toExample(index.row(number), plan);
      if ('reason' in example) continue;
      // A row may be long: only those that are shown are kept.
      if (good++ < PREVIEW_ROWS) examples.push(example);
      if (slice.isOver()) await slice.pause();
    }
    return {
      kind: plan.kind,
      fields: plan.columns,
      problem: null,
      preview: previewRows(examples),
      bad: tried - good,
      tried,
    };
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'DATASET_COLUMNS') throw error;
    return { kind: null, fields: {}, problem: message, preview: [], bad: 0, tried };
  }
}
