/** The file of a version that edits made, and what its row in the catalogue says. */
import { counted } from '../../../src-shared/plural.ts';
import fs from 'node:fs';
import type { Dataset } from '../../catalog/datasets.ts';
import type { DatasetVersion } from '../../catalog/datasetVersions.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';
import { writeEdited, type RowEdits } from '../../datasets/editRows.ts';
import type { Survey } from '../../datasets/survey.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { fileFacts } from './fileFacts.ts';

/**
 * Writes `base` with `edits` as `file`, then lets `record` write the row; where either fails the file goes again.
 * Throws DATASET_NO_USABLE_ROWS where the edits leave nothing to learn from.
 */
export async function writeVersion(
  files: DatasetFiles,
  { base, edits, file }: { base: Dataset; edits: RowEdits; file: string },
  record: (written: Omit<DatasetVersion, 'number' | 'change'>) => void,
): Promise<void> {
  const index = await files.index(base);
  const { sha256 } = await writeEdited(index, edits, file);
  await recordWritten(files, { base, file, sha256, what: 'these edits' }, record);
}

/** Looks at the rows of `file`, which `what` made of `base`, for the row in the catalogue. Throws as writeVersion. */
export async function recordWritten(
  files: DatasetFiles,
  { base, file, sha256, what }: { base: Dataset; file: string; sha256: string; what: string },
  record: (written: Omit<DatasetVersion, 'number' | 'change'>) => void,
): Promise<void> {
  try {
    const { good, badCount } = await surveyWritten(files, file, base, what);
    record({
      datasetId: base.id,
      file,
      format: 'jsonl',
      map: base.map,
      rows: good.count,
      badRows: badCount,
      hash: sha256,
      ...fileFacts(file),
      createdAt: new Date().toISOString(),
    });
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  }
}

async function surveyWritten(files: DatasetFiles, file: string, { name, map }: Dataset, what: string): Promise<Survey> {
  const survey = await files.survey({ file, format: 'jsonl', map }).catch((error: unknown) => {
    // No row, or none with the columns that are needed.
    if (error instanceof GraftError && ['DATASET_EMPTY', 'DATASET_COLUMNS', 'MAP_COLUMN_UNKNOWN'].includes(error.code))
      return undefined;
    throw error;
  });
  if (survey && survey.good.count > 0) return survey;
  throw new GraftError(
    'DATASET_NO_USABLE_ROWS',
    `With ${what} no row of ${name} could be used for training; keep at least one good row.`,
  );
}

/** `3 rows edited, 1 row deleted`. */
export function describeEdits({ changed, removed, added }: RowEdits): string {
  const gone = removed.reduce((sum, row) => sum + row, 0);
  const parts = [
    [changed.length, 'edited'],
    [added.length, 'added'],
    [gone, 'deleted'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${counted(count, 'row')} ${what}`);
  return said.join(', ') || 'A copy';
}
