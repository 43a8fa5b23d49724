import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { rowShape } from './rowShape.ts';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-shape-'));
afterAll(() => fs.rmSync(dir, { recursive: true }));

function file(...rows: object[]): string {
  const name = path.join(dir, `${fs.readdirSync(dir).length}.jsonl`);
  fs.writeFileSync(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return name;
}

it.each<[string, object, object]>([
  ['pairs', { prompt: 'a', chosen: 'b', rejected: 'c' }, { kind: 'preference', marked: false }],
  ['marked answers', { prompt: 'a', completion: 'b', label: false }, { kind: 'completion', marked: true }],
  ['answers', { prompt: 'a', completion: 'b' }, { kind: 'completion', marked: false }],
  ['labels of texts', { text: 'a', label: 1 }, { kind: 'text', marked: false }],
  ['nothing known', { one: 'a', two: 'b' }, { kind: null, marked: false }],
])('%s', async (_name, row, shape) => expect(await rowShape({ file: file(row, row) })).toEqual(shape));

it('reads columns as they are mapped', async () => {
  const rows = file({ q: 'a', good: 'b', bad: 'c' });
  expect(await rowShape({ file: rows, map: { prompt: 'q', chosen: 'good', rejected: 'bad' } })).toEqual({
    kind: 'preference',
    marked: false,
  });
});
