/** The compiled kernels in the repository are those that its sources give. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { compiledModule, MODULE } from './lib/assembly.mjs';

it('src-main/engine/packed/module.ts comes from the sources beside it', async () => {
  const kept = fs.readFileSync(MODULE, 'utf8');
  expect(await compiledModule(), 'run `node scripts/assembly.mjs`').toBe(kept);
});
