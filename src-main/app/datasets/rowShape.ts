/** What the rows of a file are for training, from the first of them: a form must not wait for all of a large file. */
import { planColumns } from '../../datasets/columns.ts';
import { toExample } from '../../datasets/examples.ts';
import { openRows } from '../../datasets/read.ts';
import type { RowShape } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../../datasets/types.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import type { Reading } from './look.ts';

const FIRST_ROWS = 100;

/** Throws what readDataset throws, and MAP_NAME_UNKNOWN or MAP_COLUMN_UNKNOWN. */
export async function rowShape({ file, map, ...rules }: Reading): Promise<RowShape> {
  const stream = await openRows(file, { ...rules, samples: true });
  const first: RawRow[] = [];
  for await (const row of stream.rows) {
    if ('values' in row) first.push(row);
    if (first.length === FIRST_ROWS) break;
  }
  try {
    const plan = planColumns(file, stream.columns(), map);
    const marked = first.some((row) => {
      const example = toExample(row, plan);
      return !('reason' in example) && example.good !== undefined;
    });
    return { kind: plan.kind, marked };
  } catch (error) {
    if (toErrorData(error).code !== 'DATASET_COLUMNS') throw error;
    return { kind: null, marked: false };
  }
}
