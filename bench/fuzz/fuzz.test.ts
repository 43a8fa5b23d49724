/** A short fuzz of every reader (main.ts is the long one): each answer is a value or a sentence of Graft's own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Tries } from './tries.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-fuzz-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

it('no changed input is answered by anything but a value or a clear sentence', async () => {
  const tries = await Tries.in(root, 13);
  const problems: string[] = [];
  for (let number = 0; number < 350; number++) {
    const { reader, file, problem } = await tries.take(number);
    if (problem !== undefined) problems.push(`try ${number}, ${reader}, ${file}: ${problem}`);
  }
  expect(problems).toEqual([]);
});
