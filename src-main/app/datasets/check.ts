/** Checks a dataset file: what can be used, and every row that cannot, with its line and reason. */
import path from 'node:path';
import { limitsOf } from '../../basemodel/config.ts';
import { checkDataset } from '../../datasets/check.ts';
import type {
  BadRow,
  CheckOptions,
  DatasetCheck,
  DatasetFormat,
  DatasetKind,
  PreviewRow,
  UnusedField,
} from '../../../src-shared/datasets.ts';
import { LOSS_DEFAULTS } from '../../../src-shared/settings/data.ts';
import type { LengthStats } from '../../../src-shared/tokens.ts';
import type { DataSpec } from '../../../src-shared/runSpec.ts';

export interface DatasetReport {
  /** Absolute path. */
  file: string;
  format: DatasetFormat;
  kind: DatasetKind;
  /** Column names of the file. */
  columns: string[];
  /** How the file was read where there was a choice. */
  notes: string[];
  /** Rows that can be used. */
  rows: number;
  badRows: BadRow[];
  /** How many there are, of which a large file lists the first. */
  badCount: number;
  /** Rows have no lines of their own: their numbers are told, not their lines. */
  sharedLines: boolean;
  /** sha256 of the file. */
  hash: string;
  sizeBytes: number;
  /** The first good rows as the model sees them. */
  preview: PreviewRow[];
  /** What the rows say and training does not use. */
  unused: UnusedField[];
  /** Token counts; null without a model. */
  lengths: DatasetLengths | null;
}

interface DatasetLengths extends LengthStats {
  /** Rows without a labelled token after truncation: a run does not start with them. */
  unlabelled: BadRow[];
  unlabelledCount: number;
  /** Tokens at which rows are cut, and whether the model's positions set it, not the setting. */
  maxLength: number;
  limitedByModel: boolean;
  /** Rows whose text spells out control tokens of the model. */
  controlTokenRows: number;
}

export interface CheckRequest {
  file: string;
  format?: DataSpec['format'];
  part?: DataSpec['part'];
  noHeader?: DataSpec['noHeader'];
  map?: DataSpec['map'];
  /** Folder of a model: token lengths are counted with its tokenizer. */
  modelDir?: string | undefined;
  maxLength?: number | undefined;
  lossOn?: DataSpec['lossOn'] | undefined;
  controlTokens?: boolean | undefined;
}

/** Throws what checkDataset throws; bad rows are reported, not thrown. `check`: here, or in another process. */
export async function checkFile(
  request: CheckRequest,
  check: (options: CheckOptions) => Promise<DatasetCheck> = checkDataset,
): Promise<DatasetReport> {
  const { modelDir, lossOn, format, part, noHeader, map, controlTokens } = request;
  const wanted = request.maxLength ?? LOSS_DEFAULTS.maxLength;
  const model = modelDir === undefined ? undefined : limitsOf(modelDir);
  const positions = model?.maxPositions ?? Infinity;
  const maxLength = Math.min(wanted, positions);
  const {
    bad,
    badCount = bad.length,
    sha256,
    stats,
    unusable,
    unusableCount = unusable?.length ?? 0,
    controlTokenRows = 0,
    ...facts
  } = await check({
    file: path.resolve(request.file),
    format,
    part,
    noHeader,
    tokenizerDir: modelDir,
    ...(model ? { vocab: model.vocab } : {}),
    ...(map ? { map } : {}),
    maxLength,
    ...(lossOn ? { lossOn } : {}),
    ...(controlTokens === undefined ? {} : { controlTokens }),
  });
  const limits = { maxLength, limitedByModel: positions < wanted, controlTokenRows, unlabelledCount: unusableCount };
  return {
    ...facts,
    badRows: bad,
    badCount,
    hash: sha256,
    lengths: stats ? { ...stats, ...limits, unlabelled: unusable ?? [] } : null,
  };
}
