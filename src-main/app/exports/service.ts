/**
 * Exports: base + adapters merged into a whole checkpoint by a worker, which also proves it; or an adapter's folder
 * copied.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportRecord, ExportResult } from '../../catalog/exports.ts';
import { GraftError, toErrorData, usageError, type ErrorData } from '../../../src-shared/errors.ts';
import { newId } from '../home.ts';
import type { EngineName } from '../../../src-shared/backends.ts';
import type { MergeParams, MergeResult } from '../../../src-shared/exports.ts';
import { copyAdapter } from '../adapters/copy.ts';
import { firstMissing, removeEmpty } from '../../files/emptyFolders.ts';
import type { EngineService } from '../workers/engines.ts';
import { folderExists, neededBytes, planExport, type ExportPlan, type ScaledAdapter } from './plan.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { removePartials } from '../../files/removePartials.ts';
import { Watchers } from '../workers/watchers.ts';
import type { Workers } from '../workers/client.ts';

export type ExportEvent =
  /** merge: bytes; verify: prompts; copy: bytes. */
  | { type: 'progress'; id: string; done: number; total: number; phase: 'merge' | 'verify' | 'copy' }
  | { type: 'status'; record: ExportRecord };

export const exportDtypeSchema = z.enum(['f32', 'f16', 'bf16']);

/** What a caller says about an export of registered adapters. */
export const exportInputSchema = z.object({
  kind: z.enum(['merged', 'adapter']).default('merged'),
  adapters: z
    .array(z.object({ adapterId: z.string(), scale: z.number().default(1) }))
    .min(1)
    .max(16),
  outDir: z.string().min(1),
  dtype: exportDtypeSchema.optional(),
});
export type ExportInput = z.infer<typeof exportInputSchema>;

export interface MergeRequest {
  kind?: ExportRecord['kind'] | undefined;
  /** Null for an adapter that is not in the catalogue. */
  adapterId: string | null;
  adapterDir: string;
  /** Several adapters, or one with a scale; see MergeParams. */
  tasks?: MergeParams['tasks'] | undefined;
  modelDir: string;
  outDir: string;
  dtype?: z.infer<typeof exportDtypeSchema> | undefined;
  engine?: 'auto' | EngineName | undefined;
}

/** Listeners of all exports. */
const ALL = '*';

export class ExportService {
  #catalog: Catalog;
  #workers: Workers;
  #engines: EngineService;
  #watchers = new Watchers<ExportEvent>();
  #ended = new Map<string, Promise<ExportRecord>>();
  #aborts = new Map<string, AbortController>();
  #closed = false;

  constructor(catalog: Catalog, workers: Workers, engines: EngineService) {
    this.#catalog = catalog;
    this.#workers = workers;
    this.#engines = engines;
  }

  list(): ExportRecord[] {
    return this.#catalog.exports.list();
  }

  get(id: string): ExportRecord {
    const record = this.#catalog.exports.get(id);
    if (!record) throw usageError('EXPORT_NOT_FOUND', `There is no export ${id} in the catalogue.`, { exportId: id });
    return record;
  }

  subscribe(id: string, listener: (event: ExportEvent) => void): () => void {
    return this.#watchers.subscribe(id, listener);
  }

  /** Hears of every export from now on. */
  subscribeAll(listener: (event: ExportEvent) => void): () => void {
    return this.#watchers.subscribe(ALL, listener);
  }

  /** What would be written, and what stands in the way. Throws ADAPTER_NOT_FOUND. */
  plan(input: ExportInput): ExportPlan {
    const adapters = this.#adaptersOf(input);
    return planExport(this.#catalog, {
      kind: input.kind,
      adapters,
      modelDir: this.#baseOf(adapters[0]!.adapter),
      outDir: input.outDir,
      dtype: input.dtype,
    });
  }

  /** Starts an export of registered adapters. Throws a usage error, or DISK_FULL where it cannot fit. */
  startFor(input: ExportInput): ExportRecord {
    const adapters = this.#adaptersOf(input);
    const { adapter, scale } = adapters[0]!;
    const modelDir = this.#baseOf(adapter);
    if (modelDir === undefined && input.kind === 'merged')
      throw new GraftError(
        'MODEL_NOT_FOUND',
        `The base model of the adapter ${adapter.id} is not in the catalogue any more; add its folder again or ` +
          'name it.',
        { adapterId: adapter.id },
      );
    const tasks =
      adapters.length > 1 || scale !== 1
        ? adapters.map((one) => ({ adapterDir: one.adapter.dir, scale: one.scale }))
        : undefined;
    return this.start({
      kind: input.kind,
      adapterId: adapter.id,
      adapterDir: adapter.dir,
      tasks: input.kind === 'merged' ? tasks : undefined,
      modelDir: modelDir ?? '',
      outDir: input.outDir,
      dtype: input.dtype,
    });
  }

  /** Writes the row and starts the work; `finished` waits for its end. Throws FOLDER_EXISTS, DISK_FULL. */
  start(request: MergeRequest): ExportRecord {
    const outDir = path.resolve(request.outDir);
    if (fs.existsSync(outDir)) throw folderExists(outDir);
    const needed = neededBytes(request);
    const free = freeBytesAt(outDir);
    if (needed !== undefined && free !== null && needed > free) throw diskFullError(outDir, needed, free);
    const id = newId('export');
    this.#catalog.exports.insert({
      id,
      kind: request.kind ?? 'merged',
      adapterId: request.adapterId,
      adapterDir: request.adapterDir,
      tasks: request.tasks ?? null,
      modelDir: request.modelDir,
      outDir,
      dtype: request.dtype ?? null,
      ownerPid: process.pid,
      createdAt: new Date().toISOString(),
    });
    const record = this.get(id);
    this.#emit(id, { type: 'status', record });
    this.#aborts.set(id, new AbortController());
    this.#ended.set(
      id,
      this.#run(id, { ...request, outDir }).finally(() => {
        this.#ended.delete(id);
        this.#aborts.delete(id);
      }),
    );
    return record;
  }

  /** The row once the export is over, completed or failed. */
  async finished(id: string): Promise<ExportRecord> {
    return (await this.#ended.get(id)) ?? this.get(id);
  }

  /** Ends an export under way; resolves when nothing of it is left on the disk. Throws EXPORT_NOT_RUNNING. */
  async cancel(id: string): Promise<ExportRecord> {
    const abort = this.#aborts.get(id);
    if (!abort) {
      this.get(id);
      throw usageError(
        'EXPORT_NOT_RUNNING',
        'This export is not under way here any more; reload the page to see how it ended.',
        { exportId: id },
      );
    }
    abort.abort();
    return this.finished(id);
  }

  /** Takes an ended export out of the history; its folder stays. */
  remove(id: string): void {
    if (this.get(id).status === 'running')
      throw usageError('EXPORT_RUNNING', 'This export is under way; cancel it first.', { exportId: id });
    this.#catalog.exports.remove(id);
  }

  /**
   * Exports under way become failed. Returns their folders; the caller ends the workers, then removes what is
   * half-written.
   */
  close(): string[] {
    this.#closed = true;
    const error: ErrorData = {
      code: 'EXPORT_ABANDONED',
      message: 'Graft was closed while this export was under way; start it again.',
    };
    for (const abort of this.#aborts.values()) abort.abort();
    return [...this.#ended.keys()].map((id) => {
      this.#catalog.exports.fail(id, error, new Date().toISOString());
      return this.get(id).outDir;
    });
  }

  async #run(id: string, request: MergeRequest): Promise<ExportRecord> {
    const before = this.get(id);
    const { signal } = this.#aborts.get(id)!;
    const firstMade = firstMissing(path.dirname(request.outDir));
    try {
      const result = await (request.kind === 'adapter'
        ? this.#copy(id, request, signal)
        : this.#merge(id, request, signal));
      if (this.#closed) return before;
      this.#catalog.exports.complete(id, result, new Date().toISOString());
    } catch (error) {
      if (this.#closed) return before;
      removePartials(request.outDir);
      if (firstMade) removeEmpty(path.dirname(request.outDir), firstMade);
      this.#catalog.exports.fail(id, signal.aborted ? CANCELLED : failure(error, request), new Date().toISOString());
    }
    const record = this.get(id);
    this.#emit(id, { type: 'status', record });
    return record;
  }

  async #merge(id: string, request: MergeRequest, signal: AbortSignal): Promise<MergeResult> {
    const engine = await this.#engines.resolve(request.engine ?? 'auto');
    const { modelDir, adapterDir, tasks, outDir, dtype } = request;
    const heldOut = this.#heldOutRows(request.adapterId);
    const params = {
      engine,
      modelDir,
      adapterDir,
      outDir,
      ...(tasks ? { tasks } : {}),
      ...(dtype ? { dtype } : {}),
      ...(heldOut ? { heldOut } : {}),
    };
    signal.throwIfAborted();
    const client = this.#workers.spawn();
    const kill = (): void => client.kill();
    signal.addEventListener('abort', kill);
    try {
      return await client.call('merge', params, (event) => this.#emit(id, { type: 'progress', id, ...event })).promise;
    } finally {
      signal.removeEventListener('abort', kill);
      client.kill();
    }
  }

  #copy(id: string, { adapterId, adapterDir, outDir }: MergeRequest, signal: AbortSignal): Promise<ExportResult> {
    const sha256 = (adapterId === null ? undefined : this.#catalog.adapters.get(adapterId)?.sha256) ?? '';
    return copyAdapter(adapterDir, outDir, {
      sha256,
      signal,
      onProgress: (done, total) => this.#emit(id, { type: 'progress', id, done, total, phase: 'copy' }),
    });
  }

  #emit(id: string, event: ExportEvent): void {
    this.#watchers.emit(id, event);
    this.#watchers.emit(ALL, event);
  }

  #adaptersOf({ adapters }: ExportInput): ScaledAdapter[] {
    return adapters.map(({ adapterId, scale }) => {
      const adapter = this.#catalog.adapters.get(adapterId);
      if (!adapter)
        throw usageError(
          'ADAPTER_NOT_FOUND',
          `There is no adapter ${adapterId} in the catalogue; "adapters list" shows those that exist.`,
          { adapterId },
        );
      return { adapter, scale };
    });
  }

  #baseOf({ modelId }: Adapter): string | undefined {
    return modelId === null ? undefined : this.#catalog.models.get(modelId)?.dir;
  }

  /** The validation rows of the adapter's run: what it has never been trained on. */
  #heldOutRows(adapterId: string | null): MergeParams['heldOut'] {
    const runId = adapterId === null ? null : this.#catalog.adapters.get(adapterId)?.runId;
    const run = runId ? this.#catalog.runs.get(runId) : undefined;
    return run && { data: run.spec.data, val: run.spec.train.val, seed: run.spec.train.seed };
  }
}

const CANCELLED: ErrorData = {
  code: 'EXPORT_CANCELLED',
  message: 'You cancelled this export; nothing of it was kept.',
};

/** A full disk says how much is missing. */
function failure(error: unknown, request: MergeRequest): ErrorData {
  const data = toErrorData(error);
  const needed = data.code === 'DISK_FULL' ? neededBytes(request) : undefined;
  const free = freeBytesAt(request.outDir);
  return needed === undefined || free === null ? data : diskFullError(request.outDir, needed, free).toData();
}
