import { expect, it } from 'vitest';
import { freeFolderName, progressAfter } from './exportProgress.ts';

it('time left follows from the speed of the present phase', () => {
  const started = progressAfter(undefined, { phase: 'merge', done: 0, total: 100 }, 1000);
  expect(started.leftMs).toBeUndefined();
  expect(progressAfter(started, { phase: 'merge', done: 25, total: 100 }, 3000)).toMatchObject({
    done: 25,
    leftMs: 6000,
  });
  const verifying = progressAfter(started, { phase: 'verify', done: 1, total: 8 }, 9000);
  expect(verifying).toMatchObject({ sinceMs: 9000, leftMs: undefined });
});

it('names a folder that is free and that every file system takes', () => {
  const taken = new Set(['a-b-merged', 'a-b-merged-2']);
  expect(freeFolderName('a/b-merged', (name) => taken.has(name))).toBe('a-b-merged-3');
  expect(freeFolderName('größe-merged', () => false)).toBe('größe-merged');
});
