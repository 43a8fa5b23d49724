/** Documents and pasted rows, made into files of rows that are datasets like any other. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConvertedDocuments, ConvertEvent } from '../../src-shared/documents.ts';
import { openBench, type TestBench } from '../../test-support/rigs/services.ts';

const DOCUMENTS = path.resolve(import.meta.dirname, '../../test-support/fixtures/documents');
const made = (name: string): string => path.join(DOCUMENTS, name);

let bench: TestBench;
beforeEach(() => (bench = openBench()));
afterEach(() => bench.close());

async function convert(paths: string[], more: object = {}): Promise<[ConvertedDocuments, ConvertEvent[]]> {
  const events: ConvertEvent[] = [];
  for await (const event of await bench.api.datasets.convert({ paths, ...more })) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'done') throw new Error('the conversion did not end');
  return [last.result, events];
}

const rowsOf = (file: string): Record<string, unknown>[] =>
  fs
    .readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const written = (): string[] => {
  const { uploadsDir } = bench.services.home;
  return fs.existsSync(uploadsDir) ? fs.readdirSync(uploadsDir) : [];
};

describe('documents', () => {
  it('of a folder become rows that name document, page and heading, and a dataset', async () => {
    const [result, events] = await convert([DOCUMENTS], { rowUnit: 'page' });
    expect(result).toMatchObject({ documents: 4, rows: 6 });
    expect(result.refused.map(({ file }) => path.basename(file))).toEqual(['encrypted.pdf', 'scan.pdf']);
    expect(result.notes).toContain('report.pdf: 6 lines of repeated headers, footers and page numbers left out.');
    expect(events.filter((event) => event.type === 'progress' && event.done > 4)).not.toEqual([]);
    const rows = rowsOf(result.file);
    expect(rows.filter(({ source }) => source === 'report.pdf')).toEqual([
      {
        text: expect.stringMatching(/^Wasserstände\n\nDie Größe/) as string,
        source: 'report.pdf',
        page: 1,
        heading: 'Wasserstände',
      },
      {
        text: expect.stringMatching(/^Im zweiten .*\n\nDie Ein- und/) as string,
        source: 'report.pdf',
        page: 2,
        heading: 'Wasserstände',
      },
      {
        text: expect.stringMatching(/^Das dritte .*\n\nIm Sommer/) as string,
        source: 'report.pdf',
        page: 3,
        heading: 'Wasserstände',
      },
    ]);
    const dataset = await bench.api.datasets.add({ file: result.file });
    expect(dataset).toMatchObject({ rows: 6, badRows: 0 });
    await bench.api.datasets.remove({ id: dataset.id });
    expect(written()).toEqual([]);
  });

  it('of which none can be read leave nothing behind', async () => {
    await expect(convert([made('scan.pdf')])).rejects.toThrow(/holds pictures only/);
    await expect(convert([made('scan.pdf'), made('encrypted.pdf')])).rejects.toThrow(
      /^None of the 2 documents could be read\. The first of them: .*scan\.pdf holds pictures only/,
    );
    await expect(convert([path.join(bench.dir, 'none.pdf')])).rejects.toThrow(/does not exist/);
    await expect(convert([made('report.pdf')], { maxChars: 300, overlapChars: 200 })).rejects.toThrow(
      /half of a chunk/,
    );
    expect(written()).toEqual([]);
  });

  it('are called off with their caller, and leave nothing behind', async () => {
    const stream = await bench.api.datasets.convert({ paths: [DOCUMENTS] });
    for await (const event of stream) {
      expect(event.type).toBe('progress');
      break;
    }
    await expect.poll(written).toEqual([]);
  });
});

describe('pasted rows', () => {
  const pasted = async (text: string, asLines = false) => {
    const { file } = await bench.api.datasets.paste({ text, asLines });
    return bench.api.datasets.look({ file });
  };

  it('of a spreadsheet keep their cells, line ends within them too', async () => {
    const look = await pasted('prompt\tcompletion\r\nWho?\t"one\ntwo, ""three"""\r\nWhere?\tHere');
    expect(look).toMatchObject({ format: 'csv', kind: 'completion', columns: ['prompt', 'completion'], rows: 2 });
    expect(JSON.stringify(look.preview)).toContain(String.raw`one\ntwo, \"three\"`);
  });

  it.each([
    ['prompt,completion\na,b\nc,d', { format: 'csv', kind: 'completion', rows: 2 }],
    ['{"prompt":"a","completion":"b"}\n{"prompt":"c","completion":"d"}\n', { format: 'jsonl', rows: 2 }],
    ['[{"text":"a"},{"text":"b"}]', { format: 'json', kind: 'text', rows: 2 }],
    ['A line.\n\nAnother line.\nA third.', { format: 'jsonl', kind: 'text', rows: 3 }],
  ])('are told from what they look like: %s', async (text, expected) => {
    expect(await pasted(text)).toMatchObject(expected);
  });

  it('are lines of text where the user says so', async () => {
    expect(await pasted('prompt,completion\na,b', true)).toMatchObject({ kind: 'text', rows: 2 });
  });

  it('that are empty are refused', async () => {
    await expect(pasted(' \n')).rejects.toThrow('Nothing was pasted; paste some rows first.');
    expect(written()).toEqual([]);
  });
});
