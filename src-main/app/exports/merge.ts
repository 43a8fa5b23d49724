/** One merge: base + adapters written as a whole model by a worker, which also proves it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { MergeResult } from '../../../src-shared/exports.ts';
import type { EngineService } from '../workers/engines.ts';
import type { Workers } from '../workers/client.ts';
import { heldOutRows } from '../adapters/heldOut.ts';
import type { ExportRequest } from './request.ts';

/** Throws what the worker throws; WORKER_CRASHED where `signal` has ended it. */
export async function mergeInWorker(
  { catalog, workers, engines }: { catalog: Catalog; workers: Workers; engines: EngineService },
  request: ExportRequest,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (event: WorkerCalls['merge']['event']) => void },
): Promise<MergeResult> {
  const engine = await engines.resolve(request.engine ?? 'auto');
  const { modelDir, adapterDir, tasks, outDir, dtype } = request;
  const heldOut = heldOutRows(catalog, request.adapterId);
  const params = {
    engine,
    modelDir,
    adapterDir,
    outDir,
    ...(tasks ? { tasks } : {}),
    ...(dtype ? { dtype } : {}),
    ...(heldOut ? { heldOut } : {}),
    ...(request.allowFailedCertificate ? { allowFailedCertificate: true } : {}),
  };
  signal.throwIfAborted();
  const client = workers.spawn();
  const kill = (): void => client.kill();
  signal.addEventListener('abort', kill);
  try {
    return await client.call('merge', params, onProgress).promise;
  } finally {
    signal.removeEventListener('abort', kill);
    client.kill();
  }
}
