/** Tables that break their library from within: each is refused in a sentence of Graft's own. */
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../test-support/fixtures/dataFiles.ts';
import { parquet } from '../../test-support/fixtures/parquet.ts';
import { workbook } from '../../test-support/fixtures/workbook.ts';
import { readDataset } from './read.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const ROWS = [
  { prompt: 'a', answer: 'b' },
  { prompt: 'c', answer: 'é' },
];

it.each(['none', 'gzip'] as const)('a right Parquet file is read, packed by %s', async (codec) => {
  const { rows, bad } = await readDataset(folder.write(`${codec}.parquet`, parquet(ROWS, codec)));
  expect(rows.map(({ values }) => values)).toEqual(ROWS);
  expect(bad).toEqual([]);
});

/** Parquet's footer names the columns in the schema first, then where they lie. */
const renamed = Buffer.from(parquet(ROWS, 'none').toString('latin1').replace('answer', 'answex'), 'latin1');
const entries = unzipSync(workbook({ One: [['text'], ['a']], Two: [['text'], ['b']] }));
const LINKS = 'xl/_rels/workbook.xml.rels';
const links = Buffer.from(entries[LINKS]!).toString().replace('relationships/worksheet', 'relationships/none');
const withoutSheet = zipSync({ ...entries, [LINKS]: Buffer.from(links) });
const arrow = Buffer.from(tableToIPC(tableFromArrays({ text: ['a', 'b'] }), { format: 'file' })!);
/** Its last ten bytes are the footer's length and a mark. */
const footerEnd = arrow.length - 10;
const withoutFooter = Buffer.from(arrow).fill(0, footerEnd - arrow.readInt32LE(footerEnd), footerEnd);

it.each([
  ['names.parquet', renamed, 'a Parquet file (its columns are not those of its schema)'],
  ['sheet.xlsx', withoutSheet, 'an Excel workbook (a sheet that it names is not in it)'],
  ['footer.arrow', withoutFooter, 'an Arrow file'],
])('%s', async (name, bytes, reason) => {
  const { code, message } = await graftError(() => readDataset(folder.write(name, bytes)));
  expect(code).toBe('DATASET_BROKEN');
  expect(message).toContain(`cannot be read as ${reason}; download`);
});

it('an Arrow file whose counts were changed says so instead of inventing 300 million rows', async () => {
  const reasons = [];
  for (let at = 0; at + 8 <= arrow.length; at += 8) {
    if (arrow.readBigInt64LE(at) !== 2n) continue; // the number of rows, wherever it stands
    const changed = Buffer.from(arrow);
    changed.writeBigInt64LE(300_000_000n, at);
    const read = readDataset(folder.write(`counts-${at}.arrow`, changed));
    reasons.push(
      await read.then(
        ({ rows }) => expect(rows.length).toBeLessThan(10),
        ({ message }: Error) => message,
      ),
    );
  }
  expect(reasons.join()).toContain('it says that it has more rows than it can hold');
});
