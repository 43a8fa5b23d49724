/** What a dataset file holds, from one pass over its rows; the next look at the same file costs nothing. */
import path from 'node:path';
import { previewRows } from '../../datasets/preview.ts';
import type {
  ColumnMap,
  DatasetFormat,
  DatasetKind,
  FileRules,
  PreviewRow,
  UnusedField,
} from '../../../src-shared/datasets.ts';
import { DATASET_SHAPES } from '../../datasets/columns.ts';
import { suggestedColumns } from '../../datasets/suggestedColumns.ts';
import { toExample } from '../../datasets/examples.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';
import type { RowIndex } from '../../datasets/rowIndex.ts';
import type { Survey } from '../../datasets/survey.ts';
import { toErrorData } from '../../../src-shared/errors.ts';

/** A file with its reading rules. */
export interface Reading extends FileRules {
  file: string;
  map?: ColumnMap;
}

export interface DatasetLook {
  /** Absolute path. */
  file: string;
  format: DatasetFormat;
  columns: readonly string[];
  /** How the file was read where there was a choice. */
  notes: readonly string[];
  sizeBytes: number;
  /** sha256 of the file. */
  hash: string;
  /** Rows that can be parsed; `rows` of them can be used. */
  parsed: number;
  rows: number;
  bad: number;
  /** Rows have no lines of their own: their numbers are told, not their lines. */
  sharedLines: boolean;
  /** Rows that repeat an earlier one. */
  repeated: number;
  /** Null where no shape fits the columns. */
  kind: DatasetKind | null;
  /** Field -> column, as the rows are read. */
  fields: Record<string, string>;
  /** Why no shape fits, in a sentence. */
  problem: string | null;
  /** Where no shape fits: what the columns' names suggest, to be agreed to. */
  suggested: ColumnMap | null;
  /** The first good rows as the model sees them. */
  preview: PreviewRow[];
  /** What the good rows say and training does not use. */
  unused: UnusedField[];
  /** What columns can be mapped onto. */
  shapes: typeof DATASET_SHAPES;
}

const PREVIEW_ROWS = 5;

/** Throws what readDataset throws, or CANCELLED; columns that fit no shape are told, not thrown. */
export async function lookAt(files: DatasetFiles, given: Reading, signal?: AbortSignal): Promise<DatasetLook> {
  const absolute = path.resolve(given.file);
  const reading = { ...given, file: absolute };
  const index = await files.index(reading, signal);
  const { columns, sizeBytes, sha256, count } = index;
  const facts = {
    file: absolute,
    format: index.format,
    columns,
    notes: index.notes,
    sizeBytes,
    hash: sha256,
    parsed: count,
    sharedLines: index.sharedLines,
    shapes: DATASET_SHAPES,
  };
  let survey: Survey;
  try {
    survey = await files.survey(reading, signal);
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'DATASET_COLUMNS') throw error;
    return {
      ...facts,
      rows: 0,
      bad: index.badCount,
      repeated: 0,
      kind: null,
      fields: {},
      problem: message,
      suggested: suggestedColumns(columns) ?? null,
      preview: [],
      unused: [],
    };
  }
  const { plan, good, badCount } = survey;
  return {
    ...facts,
    rows: good.count,
    bad: badCount,
    repeated: good.repeated,
    kind: plan.kind,
    fields: plan.columns,
    problem: null,
    suggested: null,
    preview: firstRows(index, survey),
    unused: survey.unused,
  };
}

function firstRows(index: RowIndex, { good, plan }: Survey): PreviewRow[] {
  const examples = [...good.index.subarray(0, PREVIEW_ROWS)].flatMap((number) => {
    const example = toExample(index.row(number), plan);
    return 'reason' in example ? [] : [example];
  });
  return previewRows(examples);
}
