/** Which files an export writes, how large they become, and what else is to be said of it before it starts. */
import fs from 'node:fs';
import path from 'node:path';
import type { Quantisation } from '../../../src-shared/exports.ts';
import { ggufLoraBytes } from '../../adapters/formats/ggufWrite.ts';
import { mlxFiles } from '../../adapters/formats/mlxWrite.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { exportName, ggufFileName } from '../../../src-shared/exportFormats.ts';
import { mergedFiles, type PlannedFile } from './mergedFiles.ts';
import { mergeNotes } from './notes.ts';
import type { ExportRequest } from './request.ts';

export interface PlannedExport {
  files: PlannedFile[];
  /** What else the export does or leaves out, in sentences. */
  notes: string[];
  /** Of formats that are quantised: the file in each type, whether or not it is asked for. */
  choices?: { quantise: Quantisation; sizeBytes: number }[];
}

/** What of a request the plan depends on. */
export type PlanRequest = Pick<
  ExportRequest,
  'format' | 'adapterDir' | 'tasks' | 'modelDir' | 'outDir' | 'dtype' | 'quantise' | 'maxShardBytes'
>;

/** Reads headers and adapters only. Throws the GraftErrors of the readers and the file system's. */
export function plannedExport(request: PlanRequest): PlannedExport {
  const { format, adapterDir, modelDir, dtype, maxShardBytes } = request;
  switch (format) {
    case 'peft':
      return { files: adapterFiles(adapterDir), notes: [] };
    case 'lora-gguf':
    case 'mlx':
      return plannedAdapter(request);
    default:
      return {
        files: mergedFiles(modelDir, dtype, maxShardBytes),
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
        : [{ name: ggufFileName(name, 'lora'), sizeBytes: ggufLoraBytes({ ...source, name }) }];
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
