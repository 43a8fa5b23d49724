import { defineConfig } from 'vitest/config';
import { setTestEnvironment } from './scripts/lib/testEnvironment.mjs';

setTestEnvironment();

export default defineConfig({
  test: {
    include: [
      'src-main/**/*.test.ts',
      'src-shared/**/*.test.ts',
      'src-renderer/**/*.test.ts',
      'scripts/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    // Native engines hold process-wide state; a process per file keeps them apart.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
