/** Binary files decoded in a thread: the same rows, and neither a slow nor a huge file takes the process with it. */
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { afterAll, expect, it } from 'vitest';
import { graftError, TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { workbook } from '../../../test-support/fixtures/workbook.ts';
import { readBinary, type BinaryFile } from './binary.ts';
import { decodeInThread, type DecodeLimits } from './decodeInThread.ts';
import { FileNotes } from './notes.ts';

const folder = new TestFolder();
afterAll(() => folder.remove());

const TEXTS = Array.from({ length: 700 }, (_, i) => `row ${i}`);
const BOOK: BinaryFile = {
  file: folder.write(
    'book.xlsx',
    workbook({ First: [['text'], ...TEXTS.map((text) => [text])], Second: [['a'], ['b']] }),
  ),
  format: 'xlsx',
};
const ARROW: BinaryFile = {
  file: folder.write('rows.arrow', tableToIPC(tableFromArrays({ text: TEXTS }), { format: 'file' })!),
  format: 'arrow',
};

async function read(decode: typeof decodeInThread, task: BinaryFile, limits?: DecodeLimits) {
  const notes = new FileNotes();
  const columns = new Set<string>();
  const noting = { notes, onHeader: (names: string[]) => names.forEach((name) => columns.add(name)) };
  const rows = [];
  for await (const row of decode(task, noting, limits)) rows.push(row);
  return { rows, columns: [...columns], notes: notes.list };
}

it.each([BOOK, ARROW, { ...BOOK, part: 'Second' }])(
  '$format, sheet $part: all rows, as without a thread',
  async (task) => {
    const { rows, ...facts } = await read(decodeInThread, task);
    const texts = rows.map((row) => ('values' in row ? Object.values(row.values)[0] : row.reason));
    expect(texts).toEqual(task.part ? ['b'] : TEXTS);
    expect({ rows, ...facts }).toEqual(await read(readBinary, task));
  },
);

it('passes a refusal on with its code', async () => {
  expect(await graftError(() => read(decodeInThread, { ...BOOK, part: 'Third' }))).toMatchObject({
    code: 'DATASET_PART',
    details: { parts: ['First', 'Second'] },
  });
});

it('a file that needs more memory than the limit ends its thread, not the process', async () => {
  const rows = Array.from({ length: 60_000 }, () => ['a', 'b', 'c']);
  const task: BinaryFile = { file: folder.write('bomb.xlsx', workbook({ Sheet: rows })), format: 'xlsx' };
  const error = await graftError(() => read(decodeInThread, task, { memoryMb: 16, deadlineMs: 60_000 }));
  expect(error).toMatchObject({ code: 'DATASET_TOO_LARGE', message: expect.stringContaining('16 MiB') as string });
});

it('a file whose rows do not come is given up, and a reader that stops early ends the thread', async () => {
  const error = await graftError(() => read(decodeInThread, BOOK, { memoryMb: 512, deadlineMs: 0 }));
  expect(error).toMatchObject({ code: 'DATASET_TOO_SLOW', message: expect.stringContaining(BOOK.file) as string });
  const noting = { notes: new FileNotes(), onHeader: () => undefined };
  for await (const row of decodeInThread(BOOK, noting)) {
    expect(row).toMatchObject({ line: 2 });
    break;
  }
});
