/** Cells that say they lie where no sheet has any, or so far out that the table would not fit in memory. */
import fs from 'node:fs';
import path from 'node:path';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { workbook } from '../../../test-support/fixtures/workbook.ts';
import { readDataset } from '../read.ts';

/** A workbook of one row of data whose last cell, B2, says that it lies at `place`. */
function withCellAt(place: string): string {
  const parts = unzipSync(
    workbook({
      Sheet: [
        ['prompt', 'completion'],
        ['a', 'b'],
      ],
    }),
  );
  const name = 'xl/worksheets/sheet1.xml';
  parts[name] = strToU8(strFromU8(parts[name]!).replace('r="B2"', `r="${place}"`));
  const file = path.join(temporaryFolder(), 'rows.xlsx');
  fs.writeFileSync(file, zipSync(parts));
  return file;
}

it('reads a cell that lies far to the right in a short table', async () => {
  const { rows } = await readDataset(withCellAt('XFD2'));
  expect(rows).toHaveLength(1);
});

it.each([
  ['B,;4', /cell at "B,;4", which no sheet has/],
  ['XFE2', /cell at "XFE2", which no sheet has/],
  ['B1048577', /cell at "B1048577", which no sheet has/],
  ['2', /cell at "2", which no sheet has/],
  ['XFD1048576', /spans 1048576 rows and 16384 columns; delete what stands far below/],
])('refuses a cell at %s', async (place, message) => {
  await expect(readDataset(withCellAt(place))).rejects.toMatchObject({
    code: 'DATASET_BROKEN',
    message: expect.stringMatching(message) as string,
  });
});
