/** The work of an export by its format: a copy is made here, all else by a worker, which also proves it. */
import fs from 'node:fs';
import path from 'node:path';
import { isPlainLora } from '../../adapters/plainLora.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportResult } from '../../catalog/exports.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';
import { EXPORT_FORMAT_FACTS, isAsItIs, isOneFile } from '../../../src-shared/exportFormats.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { heldOutRows, runOfAdapter } from '../adapters/heldOut.ts';
import { runOfModel } from '../models/runOfModel.ts';
import { CARD_FILE, cardOf } from './card.ts';
import { quantisationsOf } from './combination.ts';
import { copyAdapter } from './copy.ts';
import type { ExportRequest } from './request.ts';

export interface ExportProgress {
  /** merge and copy: bytes; verify: prompts. */
  phase: 'merge' | 'verify' | 'copy';
  done: number;
  total: number;
}

interface Parts {
  catalog: Catalog;
  workers: Workers;
  engines: EngineService;
}

interface Control {
  signal: AbortSignal;
  onProgress(progress: ExportProgress): void;
}

/** Throws what the work throws; WORKER_CRASHED where `signal` has ended it. */
export async function writeExport(parts: Parts, request: ExportRequest, control: Control): Promise<ExportResult> {
  const written = await writeFormat(parts, request, control);
  const result = { ...written, ...besideOf(parts.catalog, request) };
  return isOneFile(request) ? result : withCard(parts.catalog, request, result);
}

/** What decides which runtimes take an adapter by itself, and beside which file. */
function besideOf(catalog: Catalog, request: ExportRequest): Pick<ExportResult, 'plainLora' | 'baseGguf'> {
  if (EXPORT_FORMAT_FACTS[request.format].holds !== 'adapter') return {};
  const gguf = catalog.models.list().find(({ dir }) => dir === request.modelDir)?.gguf;
  return { plainLora: isPlainLora(request.adapterDir), ...(gguf ? { baseGguf: gguf.file } : {}) };
}

/** The card tells the certificate, so it comes last, into a folder that is whole without it. */
async function withCard(catalog: Catalog, request: ExportRequest, result: ExportResult): Promise<ExportResult> {
  const file = path.join(result.outDir, CARD_FILE);
  const before = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  // That of a base is about another model; that of an adapter is its own.
  if (request.format === 'peft' && before > 0) return result;
  const files = [...new Set([...result.files, CARD_FILE])].sort();
  const card = await cardOf(catalog, { ...request, tasks: request.tasks ?? null, result: { ...result, files } });
  writeFileAtomic(file, card);
  return { ...result, files, sizeBytes: result.sizeBytes - before + Buffer.byteLength(card) };
}

async function writeFormat(parts: Parts, request: ExportRequest, control: Control): Promise<ExportResult> {
  const { format, adapterDir, modelDir, outDir, dtype, maxShardBytes } = request;
  switch (format) {
    case 'peft':
      return copyAdapter(adapterDir, outDir, {
        sha256: (request.adapterId === null ? undefined : parts.catalog.adapters.get(request.adapterId)?.sha256) ?? '',
        signal: control.signal,
        onProgress: (done, total) => control.onProgress({ phase: 'copy', done, total }),
      });
    case 'lora-gguf':
    case 'mlx': {
      const params = { format, adapterDir, modelDir, outDir };
      return {
        ...(await parts.workers.once('exportAdapter', params, control.onProgress, control.signal)),
        certificate: null,
      };
    }
    case 'gguf':
    case 'ollama':
    case 'lmstudio': {
      const params = {
        ...(await modelParams(parts, request)),
        ...(request.rows ? { rows: request.rows } : {}),
        format,
        quantise: quantisationsOf(request)!,
      };
      return {
        ...(await parts.workers.once('exportGguf', params, control.onProgress, control.signal)),
        certificate: null,
      };
    }
    case 'hf': {
      const params = {
        ...(await modelParams(parts, request)),
        ...(dtype ? { dtype } : {}),
        ...(maxShardBytes ? { maxShardBytes } : {}),
      };
      return parts.workers.once('merge', params, control.onProgress, control.signal);
    }
  }
}

/** What every whole model is made from and proven with. */
async function modelParams({ catalog, engines }: Parts, request: ExportRequest) {
  const { modelDir, adapterId, adapterDir, tasks, outDir, allowFailedCertificate } = request;
  const heldOut = heldOutRows(isAsItIs(request) ? runOfModel(catalog, modelDir) : runOfAdapter(catalog, adapterId));
  return {
    engine: await engines.resolve(request.engine ?? 'auto'),
    modelDir,
    adapterDir,
    outDir,
    ...(tasks ? { tasks } : {}),
    ...(heldOut ? { heldOut } : {}),
    ...(allowFailedCertificate ? { allowFailedCertificate: true } : {}),
  };
}
