/** Documents that never end, or unpack to more than there is room for, end with their thread. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { expect, it } from 'vitest';
import { documentRowsSchema } from '../../../src-shared/documents.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { DocumentThreads } from './documentThreads.ts';

const SETTINGS = documentRowsSchema.parse({});
const question = (file: string) => ({ file, source: path.basename(file), settings: SETTINGS });

/** A page whose drawing is what `content` unpacks to, by these filters. */
function pdf(content: Uint8Array, filters: string): string {
  const file = path.join(temporaryFolder(), 'page.pdf');
  const head =
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Contents 4 0 R' +
    '/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n' +
    `4 0 obj<</Length ${content.length}/Filter[${filters}]>>stream\n`;
  const parts = [Buffer.from(head), content, Buffer.from('\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')];
  fs.writeFileSync(file, Buffer.concat(parts));
  return file;
}

const DRAWING = 'BT /F 12 Tf 20 20 Td (Known words) Tj ET';

it('reads a page that is packed twice', async () => {
  const threads = new DocumentThreads();
  const file = pdf(zlib.deflateSync(zlib.deflateSync(DRAWING)), '/FlateDecode/FlateDecode');
  const { lines } = await threads.read(question(file));
  threads.endIdle();
  expect(JSON.parse(lines)).toEqual({ text: 'Known words', source: 'page.pdf', page: 1, heading: null });
});

it('ends one that unpacks to more than there is room for, and reads the next', async () => {
  const threads = new DocumentThreads({ memoryMb: 512, bufferMb: 100, deadlineMs: 120_000 });
  const bomb = zlib.deflateSync(zlib.deflateSync(Buffer.alloc(2 ** 28, ' ')));
  const file = pdf(bomb, '/FlateDecode/FlateDecode');
  expect(fs.statSync(file).size).toBeLessThan(10_000);
  await expect(threads.read(question(file))).rejects.toMatchObject({
    code: 'DATASET_TOO_LARGE',
    message: expect.stringContaining(file) as string,
  });
  const good = pdf(zlib.deflateSync(DRAWING), '/FlateDecode');
  expect((await threads.read(question(good))).rows).toBe(1);
  threads.endIdle();
});

it('gives one up that does not come to its next page in time', async () => {
  const threads = new DocumentThreads({ memoryMb: 512, bufferMb: 512, deadlineMs: 0 });
  const file = pdf(zlib.deflateSync(DRAWING), '/FlateDecode');
  await expect(threads.read(question(file))).rejects.toMatchObject({ code: 'DATASET_TOO_SLOW' });
});

it('is called off at once', async () => {
  const threads = new DocumentThreads();
  const file = pdf(zlib.deflateSync(DRAWING), '/FlateDecode');
  await expect(threads.read(question(file), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});
