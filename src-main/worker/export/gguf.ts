/** A whole model as GGUF files, in a folder that only appears once llama.cpp has run them and they pass. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { trainedRows } from '../../adapters/trainedRows.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { newTemplate } from '../../exporting/chatTemplate.ts';
import { modelfileFor, MODELFILE } from '../../exporting/ollama/modelfile.ts';
import { exportGguf, planGguf, type GgufSource } from '../../gguf/exportGguf.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { mergeBasis, taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { exportName, ggufFileName } from '../../../src-shared/exportFormats.ts';
import type { GgufExportParams, GgufExportResult, GgufParity, WrittenGguf } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { taughtIds, taughtTemplate, tasksOf } from '../mergedTasks.ts';
import { certifiedGgufs, type GgufModel, type UnprovenGguf } from './certifiedGgufs.ts';
import { filesIn, writeExportOutput } from './output.ts';

type Emit = (event: WorkerCalls['exportGguf']['event']) => void;

/** Throws as taskEdits, exportGguf, certifyGguf and writeExportOutput. */
export async function exportGgufs(params: GgufExportParams, emit: Emit): Promise<GgufExportResult> {
  const outDir = path.resolve(params.outDir);
  const base = openBaseModel(params.modelDir);
  try {
    const tasks = tasksOf(params).map(({ adapterDir, scale }) => ({ adapter: readAdapter(adapterDir), scale }));
    const model = { params, base, tasks, endIds: taughtIds(params, base) };
    return await writeExportOutput(params, base.dir, async (dir) => {
      const written = await writeFiles(dir, model, emit);
      const ggufs = await certifiedGgufs(dir, written, model, emit);
      if (params.format === 'ollama') writeModelfile(dir, ggufs[0]!.file, model);
      fs.writeFileSync(path.join(dir, CERTIFICATE_FILE), `${JSON.stringify(parityOf(ggufs, model), null, 2)}\n`);
      const { files, sizeBytes } = filesIn(dir, params);
      return { outDir, files, sizeBytes, sha256: combined(ggufs), ggufs };
    });
  } finally {
    base.close();
  }
}

async function writeFiles(
  dir: string,
  { params, base, tasks, endIds }: GgufModel,
  emit: Emit,
): Promise<UnprovenGguf[]> {
  const name = exportName(params.outDir);
  const metadata = tokenizerMetadata(base.dir, base.config, {
    endIds,
    chatTemplate: newTemplate(base.dir, taughtTemplate(params)),
  });
  const sources = params.quantise.map((quantise): GgufSource & { file: string } => ({
    base: mergeBasis(tasks, base),
    edit: taskEdits(tasks, base),
    quantise,
    tokenizerMetadata: metadata,
    name,
    file: ggufFileName(params, quantise),
  }));
  const total = sources.reduce((sum, source) => sum + planGguf(source).sizeBytes, 0);
  const ggufs: UnprovenGguf[] = [];
  let before = 0;
  for (const { file, ...source } of sources) {
    const onProgress = ({ done }: { done: number }): void => emit({ done: before + done, total, phase: 'merge' });
    const { sizeBytes, sha256 } = await exportGguf({ ...source, outFile: path.join(dir, file), onProgress });
    before += sizeBytes;
    ggufs.push({ file, quantise: source.quantise, sizeBytes, sha256 });
  }
  return ggufs;
}

function writeModelfile(dir: string, gguf: string, { params, base, endIds }: GgufModel): void {
  const adapterDirs = tasksOf(params).map(({ adapterDir }) => adapterDir);
  const rows = adapterDirs.length > 0 ? trainedRows(adapterDirs) : params.rows;
  const tokenizer = loadTokenizer(base.dir);
  const promptTemplate = taughtTemplate(params);
  const endTexts = endIds.map((id) => tokenizer.decode([id], { skipSpecialTokens: false }));
  fs.writeFileSync(path.join(dir, MODELFILE), modelfileFor({ gguf, tokenizer, endTexts, rows, promptTemplate }).text);
}

function parityOf(ggufs: WrittenGguf[], { params, base, tasks }: GgufModel): GgufParity {
  const terms = tasks.map(({ adapter, scale }) => ({ adapterSha256: adapter.sha256, scale }));
  const passed = ggufs.every(({ certificate }) => certificate.passed);
  return {
    ggufs,
    passed,
    ...(passed ? {} : { keptDespiteFailure: true }),
    adapterSha256: terms[0]?.adapterSha256 ?? '',
    ...(params.tasks ? { tasks: terms } : {}),
    baseHash: base.hash,
    createdAt: new Date().toISOString(),
  };
}

/** Of several files as of several shards. */
function combined(ggufs: WrittenGguf[]): string {
  if (ggufs.length === 1) return ggufs[0]!.sha256;
  return createHash('sha256')
    .update(ggufs.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join(''))
    .digest('hex');
}
