/** What `--torch` may name. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { findTorch, pythonOf } from './torch.ts';

it('a folder means its py, a path the program there, a word a program on the PATH', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-torch-test-'));
  expect(pythonOf(dir)).toBe(path.join(dir, 'py'));
  expect(pythonOf(path.join(dir, 'python'))).toBe(path.join(dir, 'python'));
  expect(pythonOf('python3')).toBe('python3');
  fs.rmSync(dir, { recursive: true });
});

it('a Python without PyTorch, or none, is told and means no rival', () => {
  const said: string[] = [];
  expect(findTorch('no-such-python', true, (line) => said.push(line))).toBeNull();
  expect(findTorch(null, true, (line) => said.push(line))).toBeNull();
  expect(said).toEqual([
    expect.stringContaining('no-such-python does not run'),
    expect.stringContaining('Graft alone'),
  ]);
});
