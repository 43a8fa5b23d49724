/** One merge: base + adapters written as a whole model by a worker, which also proves it. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord } from '../../catalog/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import type { BackendName } from '../../../src-shared/backends.ts';
import type { MergeParams, MergeResult } from '../../../src-shared/exports.ts';
import type { EngineService } from '../workers/engines.ts';
import type { Workers } from '../workers/client.ts';
import { heldOutRows } from '../adapters/heldOut.ts';

export interface MergeRequest {
  kind?: ExportRecord['kind'] | undefined;
  /** Null for an adapter that is not in the catalogue. */
  adapterId: string | null;
  adapterDir: string;
  /** Several adapters, or one with a scale; see MergeParams. */
  tasks?: MergeParams['tasks'] | undefined;
  modelDir: string;
  outDir: string;
  dtype?: 'f32' | 'f16' | 'bf16' | undefined;
  engine?: 'auto' | BackendName | undefined;
  /** See MergeParams. */
  allowFailedCertificate?: boolean | undefined;
}

/** Throws what the worker throws; WORKER_CRASHED where `signal` has ended it. */
export async function mergeInWorker(
  { catalog, workers, engines }: { catalog: Catalog; workers: Workers; engines: EngineService },
  request: MergeRequest,
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
