/**
 * Loads a base in a process of its own: `DIR FORM CACHE RUN_BYTES`. Prints `begun`, and at the end in MiB how much the
 * process has grown at its largest.
 */
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { bootBackend } from '../../src-main/engine/backends/backends.ts';
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import { loadBase } from '../../src-main/loading/loadBase.ts';
import { PackedCache } from '../../src-main/loading/packedCache.ts';
import type { BaseDtype } from '../../src-shared/baseDtypes.ts';

const [dir, baseDtype, cacheDir, runBytes] = process.argv.slice(2);
await bootBackend('tensorflow');
const base = openBaseModel(dir!);
const rssBefore = process.memoryUsage().rss;
process.stdout.write('begun\n');
await loadBase(base, {
  baseDtype: baseDtype as BaseDtype,
  cache: new PackedCache({ dir: cacheDir! }),
  runBytes: Number(runBytes),
});
process.stdout.write(`${Math.round((peakResidentBytes() - rssBefore) / 2 ** 20)}\n`, () => process.exit(0));
