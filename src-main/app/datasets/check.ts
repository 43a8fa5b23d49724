/** Checks a dataset file: what can be used, and every row that cannot, with its line and reason. */
import path from 'node:path';
import { checkDataset } from '../../datasets/check.ts';
import type {
  BadRow,
  CheckOptions,
  DatasetCheck,
  DatasetFormat,
  DatasetKind,
  PreviewRow,
} from '../../../src-shared/datasets.ts';
import type { LengthStats } from '../../../src-shared/tokens.ts';
import type { DataSpec } from '../../../src-shared/runSpec.ts';

export interface DatasetReport {
  /** Absolute path. */
  file: string;
  format: DatasetFormat;
  kind: DatasetKind;
  /** Column names of the file. */
  columns: string[];
  /** Rows that can be used. */
  rows: number;
  badRows: BadRow[];
  /** sha256 of the file. */
  hash: string;
  sizeBytes: number;
  /** The first good rows as the model sees them. */
  preview: PreviewRow[];
  /** Token counts; null without a model. */
  lengths: DatasetLengths | null;
}

interface DatasetLengths extends LengthStats {
  /** Rows without a labelled token after truncation: a run does not start with them. */
  unlabelled: BadRow[];
}

export interface CheckRequest {
  file: string;
  format?: DataSpec['format'];
  map?: DataSpec['map'];
  /** Folder of a model: token lengths are counted with its tokenizer. */
  modelDir?: string | undefined;
  maxLength?: number | undefined;
  lossOn?: DataSpec['lossOn'] | undefined;
}

/** Throws what checkDataset throws; bad rows are reported, not thrown. `check`: here, or in another process. */
export async function checkFile(
  request: CheckRequest,
  check: (options: CheckOptions) => Promise<DatasetCheck> = checkDataset,
): Promise<DatasetReport> {
  const { modelDir, maxLength, lossOn, format, map } = request;
  const { bad, sha256, stats, unusable, ...facts } = await check({
    file: path.resolve(request.file),
    format,
    tokenizerDir: modelDir,
    ...(map ? { map } : {}),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(lossOn ? { lossOn } : {}),
  });
  return { ...facts, badRows: bad, hash: sha256, lengths: stats ? { ...stats, unlabelled: unusable ?? [] } : null };
}
