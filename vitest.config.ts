import { defineConfig } from 'vitest/config';
import { setTestEnvironment } from './scripts/lib/testEnvironment.mjs';

setTestEnvironment();

export default defineConfig({
  test: {
    include: ['src-main', 'src-shared', 'src-renderer', 'scripts', 'bench'].map((top) => `${top}/**/*.test.ts`),
    pool: 'forks',
    maxWorkers: 2,
    // Files share two processes: one of its own costs a file a second, and compiles every kernel again.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
