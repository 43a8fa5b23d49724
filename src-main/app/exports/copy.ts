/** An adapter's folder copied whole or not at all, with progress, and given up at once when the user asks. */
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { writeOutputFolder } from '../../basemodel/outputFolder.ts';
import type { ExportResult } from '../../catalog/exports.ts';
import { adapterFiles } from './planned.ts';

/** `sha256`: of the weights, as the catalogue knows it. Throws as writeOutputFolder, or an AbortError. */
export async function copyAdapter(
  from: string,
  outDir: string,
  options: { sha256: string; signal: AbortSignal; onProgress(done: number, total: number): void },
): Promise<ExportResult> {
  const files = adapterFiles(from);
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  await writeOutputFolder(outDir, from, async (dir) => {
    for (const { name } of files) {
      const target = path.join(dir, name);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      const read = fs.createReadStream(path.join(from, name));
      read.on('data', (chunk) => options.onProgress((done += chunk.length), total));
      await pipeline(read, fs.createWriteStream(target, { flags: 'wx' }), { signal: options.signal });
    }
  });
  return {
    outDir: path.resolve(outDir),
    files: files.map(({ name }) => name).sort(),
    sizeBytes: total,
    sha256: options.sha256,
    certificate: null,
  };
}
