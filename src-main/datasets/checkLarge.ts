/**
 * Checks a dataset of any size row by row; with a model by tokenising it, so that the first run finds its tokens in the
 * cache. Of bad rows the first are listed.
 */
import type { BadRow, CheckOptions, DatasetCheck, Example } from '../../src-shared/datasets.ts';
import { BadRows } from './badRows.ts';
import { PLAIN_STYLE } from './chat.ts';
import { planColumns } from './columns.ts';
import { noUsableRows } from './dataset.ts';
import { toExample } from './examples.ts';
import { openRows, readToEnd } from './read.ts';
import { PREVIEW_ROWS, previewRows } from './preview.ts';
import { prepareFile } from './tokens/preparedTokens.ts';
import { loadTokenizer } from './tokenizer.ts';
import { UnusedFields } from './unusedFields.ts';

/** Throws what checkDataset throws, or DISK_FULL. */
export async function checkLarge(options: CheckOptions): Promise<DatasetCheck> {
  return options.tokenizerDir === undefined ? checkRows(options) : checkTokens(options, options.tokenizerDir);
}

/** Without a model: the columns are known once all rows have been read, so there are two passes. */
async function checkRows({ file, format, part, noHeader, map }: CheckOptions): Promise<DatasetCheck> {
  const rules = { format, part, noHeader };
  const first = await openRows(file, rules);
  await readToEnd(first.rows);
  const plan = planColumns(file, first.columns(), map);
  const stream = await openRows(file, rules);
  const bad = new BadRows();
  const unused = new UnusedFields(plan);
  const shown: Example[] = [];
  let rows = 0;
  for await (const row of stream.rows) {
    const example: Example | BadRow = 'reason' in row ? row : toExample(row, plan);
    if ('reason' in row || 'reason' in example) {
      bad.add(example as BadRow);
      continue;
    }
    rows++;
    unused.note(row, example);
    if (shown.length < PREVIEW_ROWS) shown.push(example);
  }
  const sharedLines = stream.sharedLines();
  if (rows === 0) throw noUsableRows(file, bad.kept, { sharedLines, count: bad.count });
  return {
    file,
    format: stream.format,
    kind: plan.kind,
    columns: stream.columns(),
    notes: stream.notes(),
    rows,
    bad: bad.kept,
    badCount: bad.count,
    sharedLines,
    sizeBytes: stream.sizeBytes,
    sha256: stream.sha256(),
    preview: previewRows(shown, PLAIN_STYLE),
    unused: unused.list(),
  };
}

async function checkTokens(options: CheckOptions, modelDir: string): Promise<DatasetCheck> {
  const { file, format, part, noHeader, map, maxLength = Infinity } = options;
  const tokenizer = loadTokenizer(modelDir);
  const rows = await prepareFile({ ...options, maxLength, tokenizer, modelDir });
  try {
    const { kind, columns, notes, bad, badCount, unusable, unusableCount, sharedLines, ...facts } = rows.own;
    const shown: Example[] = [];
    const plan = planColumns(file, columns, map);
    for await (const row of (await openRows(file, { format, part, noHeader })).rows) {
      const example = 'reason' in row ? row : toExample(row, plan);
      if (!('reason' in example) && shown.push(example) === PREVIEW_ROWS) break;
    }
    return {
      file,
      format: facts.format,
      kind,
      columns,
      notes,
      rows: rows.length,
      bad,
      badCount,
      sharedLines,
      sizeBytes: facts.sizeBytes,
      sha256: facts.sha256,
      preview: previewRows(shown, tokenizer),
      unused: facts.unused,
      stats: facts.stats,
      unusable,
      unusableCount,
      controlTokenRows: facts.controlTokenRows,
    };
  } finally {
    rows.close();
  }
}
