/** Two folders hold the same files, byte by byte; links count as what they lead to. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

export function expectSameFiles(got: string, want: string): void {
  const names = fs.readdirSync(want).sort();
  expect(fs.readdirSync(got).sort()).toEqual(names);
  for (const name of names)
    expect(fs.readFileSync(path.join(got, name)).equals(fs.readFileSync(path.join(want, name))), name).toBe(true);
}
