/** The work of an export by its format: a copy is made here, all else by a worker, which also proves it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportResult } from '../../catalog/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { heldOutRows } from '../adapters/heldOut.ts';
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
      return { ...(await askWorker(parts, 'exportAdapter', params, control)), certificate: null };
    }
    case 'gguf':
    case 'ollama':
    case 'lmstudio': {
      const params = { ...(await modelParams(parts, request)), format, quantise: quantisationsOf(request)! };
      return { ...(await askWorker(parts, 'exportGguf', params, control)), certificate: null };
    }
    case 'hf': {
      const params = {
        ...(await modelParams(parts, request)),
        ...(dtype ? { dtype } : {}),
        ...(maxShardBytes ? { maxShardBytes } : {}),
      };
      return askWorker(parts, 'merge', params, control);
    }
  }
}

/** What every whole model is made from and proven with. */
async function modelParams({ catalog, engines }: Parts, request: ExportRequest) {
  const { modelDir, adapterDir, tasks, outDir, allowFailedCertificate } = request;
  const heldOut = heldOutRows(catalog, request.adapterId);
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

/** One call of a worker of its own, which ends with it. */
async function askWorker<K extends 'merge' | 'exportGguf' | 'exportAdapter'>(
  { workers }: Parts,
  name: K,
  params: WorkerCalls[K]['params'],
  { signal, onProgress }: Control,
): Promise<WorkerCalls[K]['result']> {
  signal.throwIfAborted();
  const client = workers.spawn();
  const kill = (): void => client.kill();
  signal.addEventListener('abort', kill);
  try {
    return await client.call(name, params, onProgress).promise;
  } finally {
    signal.removeEventListener('abort', kill);
    client.kill();
  }
}
