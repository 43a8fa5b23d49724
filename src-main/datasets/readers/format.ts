/** Finds the format of a dataset: by the file's extension, then by how its text begins. */
import path from 'node:path';
import { usageError } from '../../../src-shared/errors.ts';
import type { DatasetFormat } from '../../../src-shared/datasets.ts';

/** Throws GraftError DATASET_FORMAT_UNKNOWN when neither extension nor content tells. */
export function detectFormat(file: string, head: string): DatasetFormat {
  switch (path.extname(file).toLowerCase()) {
    case '.jsonl':
    case '.ndjson':
      return 'jsonl';
    case '.csv':
    case '.tsv':
      return 'csv';
  }
  const start = head.trimStart();
  if (start.startsWith('[')) return 'json';
  // Many files named .json hold one object per line.
  if (start.startsWith('{')) return isWholeObject(firstLine(start)) ? 'jsonl' : 'json';
  if (path.extname(file).toLowerCase() === '.json') return 'json';
  if (/[,;\t]/.test(firstLine(start))) return 'csv';
  throw usageError(
    'DATASET_FORMAT_UNKNOWN',
    `The format of ${file} cannot be told from its name or content; name it .jsonl, .json or .csv, or pass --format.`,
    { file },
  );
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

function isWholeObject(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
