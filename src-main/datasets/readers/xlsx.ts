/** Reads a sheet of an Excel workbook whose first row names the columns. Rows have the numbers that Excel shows. */
import fs from 'node:fs/promises';
import { unzipSync, zipSync } from 'fflate';
import readWorkbook from 'read-excel-file/universal';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import type { RawRow } from '../types.ts';
import { brokenDataset } from './bytes.ts';
import type { FileNotes } from './notes.ts';
import { wrongPlaces } from './xlsxCells.ts';

/** A workbook is in memory whole. */
const MOST_BYTES = 2 ** 27;
const MOST_UNPACKED_BYTES = 2 ** 29;

interface XlsxOptions {
  /** Name of the sheet; the first by default. */
  part?: string | undefined;
  onHeader: (columns: string[]) => void;
  notes: FileNotes;
}

/** Throws GraftError DATASET_BROKEN, DATASET_TOO_LARGE, DATASET_PART or DATASET_HEADER. */
export async function* readXlsx(file: string, { part, onHeader, notes }: XlsxOptions): AsyncGenerator<RawRow | BadRow> {
  const sheets = await sheetsOf(file);
  const names = sheets.map(({ sheet }) => sheet);
  const chosen = part === undefined ? sheets[0] : sheets.find(({ sheet }) => sheet === part);
  if (!chosen)
    throw usageError(
      'DATASET_PART',
      `${file} has no sheet ${JSON.stringify(part)}; its sheets are: ${names.join(', ')}.`,
      { file, parts: names },
    );
  if (sheets.length > 1) notes.add(`sheet ${chosen.sheet} of ${names.join(', ')}`);
  const [header = [], ...rows] = chosen.data;
  const columns = header.map((cell) => textOf(cell).trim());
  const seen = new Set<string>();
  const twice = columns.find((name) => name !== '' && (seen.has(name) || !seen.add(name)));
  if (twice !== undefined)
    throw new GraftError(
      'DATASET_HEADER',
      `The first row of ${file} cannot be used as the header: the column "${twice}" appears twice; name every column ` +
        'once.',
      { file },
    );
  onHeader(columns);
  for (const [i, row] of rows.entries()) {
    if (row.every((cell) => textOf(cell).trim() === '')) continue;
    const values = columns.map((name, column) => [name, textOf(row[column])] as const);
    yield { line: i + 2, values: Object.fromEntries(values.filter(([name]) => name !== '')) };
  }
}

async function sheetsOf(file: string) {
  const { size } = await fs.stat(file);
  const bytes = await fs.readFile(file);
  let unpacked = 0;
  try {
    if (size > MOST_BYTES) throw tooLarge(file);
    const entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        unpacked += originalSize;
        if (unpacked > MOST_UNPACKED_BYTES) throw tooLarge(file);
        return /\.(xml|rels)$/i.test(name);
      },
    });
    for (const [name, xml] of Object.entries(entries)) {
      const wrong = name.includes('worksheets/') ? wrongPlaces(Buffer.from(xml).toString('latin1')) : null;
      if (wrong) throw new Error(`${name} ${wrong}`);
    }
    // Nothing is left to unpack: the library's own unpacking never answers for some broken archives.
    const sheets = await readWorkbook(zipSync(entries, { level: 0 }).buffer, { trim: false });
    if (!sheets.every(({ data }) => Array.isArray(data))) throw new Error('a sheet that it names is not in it');
    return sheets;
  } catch (error) {
    throw error instanceof GraftError ? error : brokenDataset(file, 'an Excel workbook', error);
  }
}

function tooLarge(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `The workbook ${file} is larger than Graft holds in memory (512 MiB unpacked); save its sheet as .csv.`,
    { file },
  );
}

/** As a spreadsheet's CSV would have it. */
function textOf(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  if (cell instanceof Date) return cell.toISOString().replace(/T00:00:00\.000Z$/, '');
  return String(cell as string | number | boolean);
}
