/** `datasets documents` over the command line's own parser: rows, what is left out, and what is wrong. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { readArgs } from './args.ts';
import { datasetsDocuments } from './documents.ts';

const DOCUMENTS = path.resolve(import.meta.dirname, '../../../test-support/fixtures/documents');

let bench: TestBench;
beforeAll(() => (bench = openBench()));
afterAll(() => bench.close());

async function said(...argv: string[]): Promise<string[]> {
  const lines: string[] = [];
  const print = (line: string): number => lines.push(line);
  const { services, api } = bench;
  const { options, positionals } = datasetsDocuments;
  const args = readArgs(argv, options, positionals);
  await datasetsDocuments.run({ args, services, api, json: false, print, write: print, say: () => undefined });
  return lines;
}

it('several paths become one dataset, with what was left out and why', async () => {
  const named = ['report.pdf', 'letter.docx', 'scan.pdf'].map((name) => path.join(DOCUMENTS, name));
  const lines = await said(...named, '--row', 'document', '--name', 'River');
  expect(lines).toContain('report.pdf: 1 word that a line end had divided joined again.');
  expect(lines.filter((line) => line.startsWith('Left out: '))).toEqual([
    expect.stringContaining('scan.pdf holds pictures only'),
  ]);
  expect(lines.at(-1)).toMatch(/^Added River \(data-[0-9a-f]+\): 2 rows of 2 documents\.$/);
  const [dataset] = await bench.api.datasets.list();
  expect(fs.readFileSync(dataset!.file, 'utf8')).toContain('überrascht viele');
});

it('wrong values name the option', async () => {
  const file = path.join(DOCUMENTS, 'report.pdf');
  await expect(said(file, '--row', 'line')).rejects.toThrow(
    '--row "line" is not valid; give one of chunk, page, document.',
  );
  await expect(said(file, '--max-chars', '1.5')).rejects.toThrow(
    '--max-chars "1.5" is not valid; give a whole number.',
  );
  await expect(said()).rejects.toThrow('PATH is missing');
});
