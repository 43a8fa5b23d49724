/** Documents that other programs wrote (test-support/fixtures/documents), with the texts that were put into them. */
import fs from 'node:fs';
import path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { readDocument } from './readDocument.ts';

const DOCUMENTS = path.resolve(import.meta.dirname, '../../../test-support/fixtures/documents');
const made = (name: string): string => path.join(DOCUMENTS, name);
const read = (file: string) => readDocument(file, () => undefined);
const texts = async (file: string): Promise<string[]> => (await read(file)).blocks.map(({ text }) => text);

function written(name: string, content: string | Uint8Array): string {
  const file = path.join(temporaryFolder(), name);
  fs.writeFileSync(file, content);
  return file;
}

const SHIP = [
  'Der Schiffer',
  'Ein affluent office fit flow mit Umlauten: äöüß. Dieser Satz ist lang genug, dass seine Zeile auf dem Blatt ' +
    'umbricht.',
  'Die linke Spalte kommt zuerst. Danach geht der Text weiter, bis die Spalte voll ist und die nächste beginnt.',
  'Die rechte Spalte kommt zuletzt, mit fetten Wörtern & Zeichen.',
];

describe('PDF', () => {
  it('joins lines over columns and pages, and divided words, and leaves out what repeats on each page', async () => {
    const { blocks, notes } = await read(made('report.pdf'));
    expect(blocks.map(({ page, text }) => [page, text])).toEqual([
      [1, 'Wasserstände'],
      [
        1,
        'Die Größe der Flüsse überrascht viele. Ein Bad in der Donau-Au ist schön. Wer zur Donau-Au fährt, sieht ' +
          'Störche und andere Vögel im Frühling.',
      ],
      [2, 'Im zweiten Jahr stieg das Wasser um drei Meter. Die Deiche hielten.'],
      [2, 'Die Ein- und Ausfuhr der Waren ruhte, bis der Pegel wieder fiel.'],
      [3, 'Das dritte Jahr brachte Eis und Schnee.'],
      [3, 'Im Sommer kam die Dürre.'],
    ]);
    expect(blocks.filter(({ isHeading }) => isHeading).map(({ text }) => text)).toEqual(['Wasserstände']);
    expect(notes).toEqual([
      '6 lines of repeated headers, footers and page numbers left out.',
      '1 word that a line end had divided joined again.',
    ]);
  });

  it('reads ligatures as letters, and the left column before the right one', async () => {
    expect((await texts(made('ligatures.pdf'))).slice(1)).toEqual(SHIP);
  });

  it('names a scan for what it is', async () => {
    await expect(read(made('scan.pdf'))).rejects.toMatchObject({
      code: 'DATASET_NO_TEXT',
      message: expect.stringMatching(/scan\.pdf holds pictures only, as scans do: none of its 2 pages has text; run/),
    });
  });

  it('names one with a password, and one that is broken', async () => {
    await expect(read(made('encrypted.pdf'))).rejects.toMatchObject({ code: 'DATASET_ENCRYPTED' });
    await expect(read(written('a.pdf', '%PDF-1.7\nnothing more'))).rejects.toMatchObject({ code: 'DATASET_BROKEN' });
  });
});

describe('DOCX', () => {
  it('reads headings by the name of their style, tables by rows, and leaves out what was deleted', async () => {
    const { blocks } = await read(made('letter.docx'));
    expect(blocks.map(({ isHeading, text }) => [isHeading, text])).toEqual([
      [true, 'Die Mühle'],
      [false, 'Sie mahlt\tKorn.'],
      [false, 'Jahr\tSäcke\n1901\t12'],
      [false, 'Grüße & <Küsse>'],
    ]);
  });

  it('expands no entity that the document declares itself', async () => {
    const lols = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
    const xml =
      `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">${lols}]>` +
      '<w:document><w:body><w:p><w:r><w:t>before &l10; after</w:t></w:r></w:p></w:body></w:document>';
    const [text] = await texts(written('a.docx', zipSync({ 'word/document.xml': strToU8(xml) })));
    expect(text).toBe('before &l10; after');
  });

  it('refuses one that unpacks to more than a document may, by what its list of files says', async () => {
    const bytes = zipSync({ 'word/document.xml': strToU8('<w:document/>') });
    const at = Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1');
    new DataView(bytes.buffer).setUint32(at + 24, 2 ** 30, true);
    await expect(read(written('a.docx', bytes))).rejects.toMatchObject({ code: 'DATASET_TOO_LARGE' });
  });

  it('gives no more than the list of files says, whatever the archive unpacks to', async () => {
    const long = `<w:document><w:p><w:r><w:t>${'word '.repeat(100_000)}</w:t></w:r></w:p></w:document>`;
    const bytes = zipSync({ 'word/document.xml': strToU8(long) });
    const at = Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1');
    new DataView(bytes.buffer).setUint32(at + 24, 1000, true);
    const read = await texts(written('a.docx', bytes)).catch(({ code }: { code: string }) => [code]);
    expect(read.join('').length).toBeLessThan(1001);
  });

  it('names one with a password, which Word writes in its old kind of file', async () => {
    const bytes = Buffer.concat([
      Buffer.from('d0cf11e0a1b11ae1', 'hex'),
      Buffer.alloc(2048),
      Buffer.from('EncryptedPackage', 'utf16le'),
      Buffer.alloc(96),
    ]);
    await expect(read(written('a.docx', bytes))).rejects.toMatchObject({ code: 'DATASET_ENCRYPTED' });
  });
});

describe('HTML', () => {
  it('reads what a browser shows of the page itself', async () => {
    expect(await texts(made('ligatures.html'))).toEqual(SHIP);
  });

  it('keeps the lines of code, list items and rows of tables apart', async () => {
    const html = `<!doctype html><body><ul><li>one<li>two</ul><pre>a\n  b</pre>
      <table><tr><td>1<td>2</tr><tr><td>3<td>4</table>`;
    expect(await texts(written('a.html', html))).toEqual(['- one', '- two', 'a\n  b', '1\t2', '3\t4']);
  });

  it('reads the letters of the encoding that the file has', async () => {
    const html = Buffer.from('<html><p>Grüße aus Köln, und schöne Träume für Bürger.', 'latin1');
    expect(await texts(written('a.html', html))).toEqual(['Grüße aus Köln, und schöne Träume für Bürger.']);
  });
});

describe('text', () => {
  it('keeps code of Markdown in one piece and knows its headings', async () => {
    const markdown = '# One\ntext\n\n```\na\n\n# no heading\n```\n\nTwo\n---\nmore';
    expect((await read(written('a.md', markdown))).blocks.map(({ isHeading, text }) => [isHeading, text])).toEqual([
      [true, '# One'],
      [false, 'text'],
      [false, '```\na\n\n# no heading\n```'],
      [true, 'Two\n---'],
      [false, 'more'],
    ]);
  });

  it('names what is no document', async () => {
    await expect(
      read(written('a.txt', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82]))),
    ).rejects.toMatchObject({ code: 'DATASET_NOT_ROWS' });
    await expect(read(written('a.txt', ' \n '))).rejects.toMatchObject({ code: 'DATASET_NO_TEXT' });
  });
});
