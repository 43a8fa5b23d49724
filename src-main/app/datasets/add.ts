/** Registers a dataset file, or notes what it has become where it is registered already. */
import path from 'node:path';
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { noUsableRows } from '../../datasets/dataset.ts';
import type { DatasetFiles } from '../../datasets/datasetFiles.ts';
import { describeBadRow } from '../../../src-shared/datasets.ts';
import { counted } from '../../../src-shared/plural.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { newId } from '../ids.ts';
import { fileFacts } from './fileFacts.ts';
import type { addSchema } from './inputs.ts';

/** Returns the dataset's id. Throws DATASET_NO_USABLE_ROWS, or DATASET_BAD_ROWS for bad rows that were not allowed. */
export async function addDataset(
  { catalog, files }: { catalog: Catalog; files: DatasetFiles },
  input: z.output<typeof addSchema>,
): Promise<string> {
  const { map, name, allowBadRows, part, noHeader } = input;
  const file = path.resolve(input.file);
  const facts = fileFacts(file);
  const { good, bad, badCount } = await files.survey({ ...input, file });
  const { sha256, sharedLines } = await files.index({ ...input, file });
  if (good.count === 0) throw noUsableRows(file, bad, { count: badCount, sharedLines });
  const [first] = bad;
  if (first && !allowBadRows) {
    throw new GraftError(
      'DATASET_BAD_ROWS',
      `${file} has ${counted(badCount, 'bad row')}, the first at ${describeBadRow(first, sharedLines)}; correct ` +
        `${badCount === 1 ? 'it' : 'them'}, or allow bad rows to go on with the other ${good.count}.`,
      { file, bad: badCount, rows: good.count },
    );
  }
  const format = input.format ?? null;
  const createdAt = new Date().toISOString();
  const version = {
    file,
    format,
    part,
    noHeader,
    map,
    rows: good.count,
    badRows: badCount,
    hash: sha256,
    ...facts,
    createdAt,
  };
  const { datasets } = catalog;
  const known = datasets.find({ file, format, part, noHeader, map });
  const id = known?.id ?? newId('data');
  catalog.transaction(() => {
    if (!known)
      return datasets.insert(
        { id, name: name ?? path.basename(file), source: file, allowBadRows, createdAt },
        { ...version, change: 'As it was added' },
      );
    if (name) datasets.rename(id, name);
    datasets.setAllowBadRows(id, allowBadRows);
    const versions = datasets.versions.list(id);
    const same = versions.find((old) => old.file === file && old.hash === sha256);
    const number = same?.number ?? versions[0]!.number + 1;
    if (!same) datasets.versions.insert({ ...version, datasetId: id, number, change: 'The file had changed' });
    datasets.setVersion(id, number);
  });
  return id;
}
