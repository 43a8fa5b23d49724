/** An adapter by itself as llama.cpp or mlx-lm reads it beside its base. */
import path from 'node:path';
import { writeGgufLora } from '../../adapters/formats/ggufWrite.ts';
import { writeMlxAdapter } from '../../adapters/formats/mlxWrite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { recheckGgufLora } from '../../recheck/gguf/recheckLora.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { exportName, ggufFileName } from '../../../src-shared/exportFormats.ts';
import type { AdapterExportParams, AdapterExportResult } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { filesIn, writeExportOutput } from './output.ts';

/**
 * Throws as writeGgufLora and writeMlxAdapter; ADAPTER_* where it does not belong to the base; PARITY_FAILED where a
 * GGUF, read back, does not hold what the adapter does.
 */
export async function exportAdapter(
  params: AdapterExportParams,
  emit: (event: WorkerCalls['exportAdapter']['event']) => void,
): Promise<AdapterExportResult> {
  const { format, modelDir, adapterDir } = params;
  const outDir = path.resolve(params.outDir);
  const name = exportName(outDir);
  const base = openBaseModel(modelDir);
  try {
    const source = { base, content: readAdapter(adapterDir).on(base), adapterDir };
    return await writeExportOutput({ format, outDir }, base.dir, async (dir) => {
      const outFile = path.join(dir, ggufFileName({ format, outDir }, 'lora'));
      const { sha256 } =
        format === 'mlx'
          ? await writeMlxAdapter({ ...source, outDir: dir, modelName: base.origin })
          : await writeGgufLora({
              ...source,
              name,
              outFile,
              onProgress: (progress) => emit({ ...progress, phase: 'copy' }),
            });
      if (format === 'lora-gguf') await assertRead(outFile, { adapterDir, baseDir: base.dir });
      const { files, sizeBytes } = filesIn(dir, params);
      return { outDir, files, sizeBytes, sha256 };
    });
  } finally {
    base.close();
  }
}

async function assertRead(
  file: string,
  { adapterDir, baseDir }: { adapterDir: string; baseDir: string },
): Promise<void> {
  const { problems } = await recheckGgufLora({
    file,
    sourceDir: baseDir,
    tasks: [{ adapterDir, scale: 1 }],
  });
  if (problems.length === 0) return;
  throw new GraftError(
    'PARITY_FAILED',
    `${path.basename(file)} is not what the adapter does: ${problems[0]}; nothing was exported, make sure that base ` +
      'and adapter do not change meanwhile.',
    { problems },
  );
}
