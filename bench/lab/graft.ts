/** One turn of bench/lab: TOOL BASE ADAPTER OTHER; prints seconds and peak memory. */
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import { labSimilarity, labSpectrum } from '../../src-main/worker/lab/understand.ts';

const [tool, modelDir, adapterDir, otherDir] = process.argv.slice(2) as [string, string, string, string];
const startedAt = performance.now();
const params = { engine: 'wasm' as const, modelDir, adapterDir };
if (tool === 'spectrum') await labSpectrum(params, () => undefined);
else await labSimilarity({ ...params, otherDir }, () => undefined);
const seconds = (performance.now() - startedAt) / 1000;
console.log(JSON.stringify({ seconds, peakMiB: peakResidentBytes() / 2 ** 20 }));
