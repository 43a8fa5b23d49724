/** An adapter by itself as llama.cpp or mlx-lm reads it beside its base. */
import path from 'node:path';
import { writeGgufLora } from '../../adapters/formats/ggufWrite.ts';
import { writeMlxAdapter } from '../../adapters/formats/mlxWrite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { exportName, ggufFileName } from '../../../src-shared/exportFormats.ts';
import type { AdapterExportParams, AdapterExportResult } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { filesIn, writeExportOutput } from './output.ts';

/** Throws as writeGgufLora and writeMlxAdapter; ADAPTER_* where it does not belong to the base. */
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
      const { sha256 } =
        format === 'mlx'
          ? await writeMlxAdapter({ ...source, outDir: dir, modelName: base.origin })
          : await writeGgufLora({
              ...source,
              name,
              outFile: path.join(dir, ggufFileName({ format, outDir }, 'lora')),
              onProgress: (progress) => emit({ ...progress, phase: 'copy' }),
            });
      const { files, sizeBytes } = filesIn(dir, params);
      return { outDir, files, sizeBytes, sha256 };
    });
  } finally {
    base.close();
  }
}
