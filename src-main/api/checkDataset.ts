/** Checks a dataset file: what can be used, and every row that cannot, with its line and reason. */
import path from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { checkDataset } from '../datasets/check.ts';
import type { PreviewRow } from '../datasets/check.ts';
import type { LengthStats } from '../datasets/stats.ts';
import type { BadRow, DatasetFormat, DatasetKind } from '../datasets/types.ts';
import { usageError } from '../errors.ts';
import type { DataSpec } from '../trainer/protocol.ts';

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

export interface DatasetLengths extends LengthStats {
  /** Rows without a labelled token after truncation: a run does not start with them. */
  unlabelled: BadRow[];
}

export interface CheckRequest {
  file: string;
  format?: DataSpec['format'];
  map?: DataSpec['map'];
  /** With a model, token lengths are counted with its tokenizer. */
  modelId?: string | undefined;
  maxLength?: number | undefined;
  lossOn?: DataSpec['lossOn'] | undefined;
}

/** Throws MODEL_NOT_FOUND, and what checkDataset throws; bad rows are reported, not thrown. */
export async function checkFile(catalog: Catalog, request: CheckRequest): Promise<DatasetReport> {
  const { modelId, maxLength, lossOn, format, map } = request;
  const model = modelId === undefined ? undefined : catalog.models.get(modelId);
  if (modelId !== undefined && !model) throw usageError('MODEL_NOT_FOUND', `There is no base model ${modelId} in the catalogue; add its folder first.`, { modelId });
  const { bad, sha256, stats, unusable, ...check } = await checkDataset({
    file: path.resolve(request.file),
    format,
    tokenizerDir: model?.dir,
    ...(map ? { map } : {}),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(lossOn ? { lossOn } : {}),
  });
  return { ...check, badRows: bad, hash: sha256, lengths: stats ? { ...stats, unlabelled: unusable ?? [] } : null };
}
