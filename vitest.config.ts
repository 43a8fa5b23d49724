import { defineConfig } from 'vitest/config';
import { setTestEnvironment } from './scripts/lib/testEnvironment.mjs';

setTestEnvironment();

/** Folders whose tests hold tensors. */
const ENGINE = ['src-main/engine', 'src-main/methods', 'src-main/worker'].map((folder) => `${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
    projects: [
      // Native engines hold process-wide state; a process per file keeps them apart.
      { extends: true, test: { name: 'engine', include: ENGINE } },
      // All others share two processes: a process of its own takes a file half a second.
      {
        extends: true,
        test: {
          name: 'plain',
          isolate: false,
          include: ['src-main', 'src-shared', 'src-renderer', 'scripts', 'bench'].map((top) => `${top}/**/*.test.ts`),
          exclude: ENGINE,
        },
      },
    ],
  },
});
