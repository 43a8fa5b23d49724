import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { discardOf } from './discard.ts';

const FILES = ['best-4.safetensors', 'checkpoint.safetensors', 'events.jsonl', 'notes.txt'];

function runFolder(): string {
  const dir = temporaryFolder();
  for (const name of FILES) fs.writeFileSync(path.join(dir, name), name);
  fs.mkdirSync(path.join(dir, 'checkpoints'));
  return dir;
}

it('a completed run keeps its earlier checkpoints, and what is not ours', () => {
  const dir = runFolder();
  discardOf(dir, 'completed');
  expect(fs.readdirSync(dir).sort()).toEqual(['checkpoints', 'notes.txt']);
});

it('a stopped run keeps what it goes on from', () => {
  const dir = runFolder();
  discardOf(dir, 'stopped');
  expect(fs.readdirSync(dir).sort()).toEqual([
    'best-4.safetensors',
    'checkpoint.safetensors',
    'checkpoints',
    'notes.txt',
  ]);
});

it('a folder that is gone is no reason to fail', () => {
  discardOf(path.join(temporaryFolder(), 'gone'), 'completed');
});
