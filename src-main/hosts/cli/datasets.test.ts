/** What `datasets add` and `datasets check` say of rows: where they stand, and how many there are. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workbook } from '../../../test-support/fixtures/workbook.ts';
import { openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import { readArgs } from './args.ts';
import type { Command } from './command.ts';
import { datasetsAdd, datasetsCheck } from './datasets.ts';

let bench: TestBench;
beforeAll(() => (bench = openBench()));
afterAll(() => bench.close());

async function said({ run, options, positionals }: Command, ...argv: string[]): Promise<string[]> {
  const lines: string[] = [];
  const print = (line: string): number => lines.push(line);
  const { services, api } = bench;
  const args = readArgs(argv, options, positionals);
  await run({ args, services, api, json: false, print, write: print, say: print });
  return lines;
}

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(bench.dir, name);
  fs.writeFileSync(file, content);
  return file;
}

it('a line where the file has lines, with counts in the singular', async () => {
  const file = write('rows.jsonl', '{"prompt": "a ", "completion": "b"}\n\n{"prompt": "c "}\n');
  const [head, bad] = await said(datasetsCheck, file);
  expect(head).toContain('jsonl, completion, 1 usable row, 1 bad, ');
  expect(bad).toMatch(/^ {2}line 3: "completion" is missing/);
  await expect(said(datasetsAdd, file)).rejects.toThrow(
    /has 1 bad row, the first at line 3: "completion" is missing.*; correct it, or allow bad rows/,
  );
  expect((await said(datasetsAdd, file, '--allow-bad-rows'))[0]).toMatch(/: 1 row, 1 bad row left out\.$/);
});

it("a row's number where it has none: in a workbook, a list in one line and a folder", async () => {
  const header = ['prompt', 'completion'];
  const table = write('rows.xlsx', workbook({ Rows: [header, ['a ', 'b'], ['c ', '']] }));
  const list = write('rows.json', '[{"prompt": "a ", "completion": "b"}, {}, {"prompt": "c "}]');
  const folder = path.join(bench.dir, 'folder');
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'rows.csv'), 'prompt,completion\na,b\nc\n');
  for (const [file, row] of [
    [table, 3],
    [list, 2],
    [folder, 2],
  ] as const) {
    expect((await said(datasetsCheck, file)).find((line) => / {2}(line|row) /.test(line))).toContain(`  row ${row}: `);
    await expect(said(datasetsAdd, file)).rejects.toThrow(`the first at row ${row}: `);
    expect(await bench.api.datasets.look({ file })).toMatchObject({ sharedLines: true });
    expect(await bench.api.datasets.badRowsCsv({ file })).toMatch(new RegExp(`^row,reason\r\n${row},`));
  }
});
