/** The peak of a process is its own, not that of the process which started it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const MIB = 2 ** 20;
const MODULE = path.join(import.meta.dirname, 'peakMemory.ts');
/** Prints its peak before and after it has held 200 MiB. */
const CHILD = `
  const { peakResidentBytes } = await import(${JSON.stringify(MODULE)});
  const before = peakResidentBytes();
  Buffer.alloc(200 * ${MIB}, 1);
  console.log(JSON.stringify([before, peakResidentBytes()]));`;

it('does not count what the starting process holds, and counts what is held for a moment', () => {
  const held = Buffer.alloc(400 * MIB, 1);
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', CHILD], { encoding: 'utf8' });
  const [before, after] = JSON.parse(stdout) as [number, number];
  expect(held.length).toBe(400 * MIB);
  expect(before).toBeLessThan(300 * MIB);
  expect(after - before).toBeGreaterThan(190 * MIB);
});
