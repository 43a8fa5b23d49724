/** Which files an export writes, how large they become, and what else is to be said of it before it starts. */
import fs from 'node:fs';
import path from 'node:path';
import { ggufLoraBytes } from '../../adapters/formats/ggufWrite.ts';
import { mlxFiles } from '../../adapters/formats/mlxWrite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { exportName, ggufFileName } from '../../../src-shared/exportFormats.ts';
import { mergedFiles, type PlannedFile } from './mergedFiles.ts';
import { mergeNotes } from './notes.ts';
import { plannedGguf } from './plannedGguf.ts';
import type { PlannedExport, PlanRequest } from './request.ts';

/** Reads headers and adapters only. Throws the GraftErrors of the readers and the file system's. */
export function plannedExport(request: PlanRequest): PlannedExport {
  const { format, adapterDir, modelDir, dtype, maxShardBytes } = request;
  switch (format) {
    case 'peft':
      return { files: adapterFiles(adapterDir), notes: [] };
    case 'lora-gguf':
    case 'mlx':
      return plannedAdapter(request);
    case 'gguf':
    case 'ollama':
    case 'lmstudio':
      return plannedGguf({ ...request, format }, adapterDirsOf(request));
    case 'hf':
      return {
        files: mergedFiles(modelDir, adapterDirsOf(request), dtype, maxShardBytes),
        notes: mergeNotes(modelDir, adapterDirsOf(request)),
      };
  }
}

function adapterDirsOf({ tasks, adapterDir }: PlanRequest): string[] {
  return tasks?.map((task) => task.adapterDir) ?? [adapterDir];
}

function plannedAdapter({ format, adapterDir, modelDir, outDir }: PlanRequest): PlannedExport {
  const base = openBaseModel(modelDir);
  try {
    const source = { base, content: readAdapter(adapterDir).on(base), adapterDir };
    const name = exportName(outDir);
    const files =
      format === 'mlx'
        ? mlxFiles(source)
        : [{ name: ggufFileName({ format, outDir }, 'lora'), sizeBytes: ggufLoraBytes({ ...source, name }) }];
    return { files, notes: [] };
  } finally {
    base.close();
  }
}

/** All files of an adapter's folder. Throws the file system's error. */
export function adapterFiles(dir: string): PlannedFile[] {
  const names = fs.readdirSync(dir, { recursive: true }) as string[];
  return names
    .map((name) => ({ name, stat: fs.statSync(path.join(dir, name)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ name, stat }) => ({ name, sizeBytes: stat.size }));
}
