/** Exports: base + adapter merged into a whole checkpoint by a worker, which also proves it against base + adapter. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import type { ExportRecord } from '../catalog/exports.ts';
import { GraftError, toErrorData, usageError } from '../errors.ts';
import { newId } from '../home.ts';
import type { EngineName, MergeParams, MergeResult, WorkerCalls } from '../trainer/protocol.ts';
import type { EngineService } from './engines.ts';
import { removePartials } from './removePartials.ts';
import { Watchers } from './watchers.ts';
import type { Workers } from './workerClient.ts';

export type ExportEvent = ({ type: 'progress' } & WorkerCalls['merge']['event']) | { type: 'status'; record: ExportRecord };

export const exportDtypeSchema = z.enum(['f32', 'f16', 'bf16']);

export interface MergeRequest {
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

export class ExportService {
  #catalog: Catalog;
  #workers: Workers;
  #engines: EngineService;
  #watchers = new Watchers<ExportEvent>();
  #ended = new Map<string, Promise<ExportRecord>>();
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

  /** Merges a registered adapter into its base model. */
  startFor(input: { adapterId: string; outDir: string; dtype?: MergeRequest['dtype'] }): ExportRecord {
    const adapter = this.#catalog.adapters.get(input.adapterId);
    if (!adapter) throw usageError('ADAPTER_NOT_FOUND', `There is no adapter ${input.adapterId} in the catalogue; "adapters list" shows those that exist.`, { adapterId: input.adapterId });
    const model = adapter.modelId === null ? undefined : this.#catalog.models.get(adapter.modelId);
    if (!model) throw new GraftError('MODEL_NOT_FOUND', `The base model of the adapter ${adapter.id} is not in the catalogue any more; add its folder again or name it.`, { adapterId: adapter.id });
    return this.start({ adapterId: adapter.id, adapterDir: adapter.dir, modelDir: model.dir, outDir: input.outDir, dtype: input.dtype });
  }

  /** Writes the row and starts the worker; `finished` waits for its end. Throws a usage error when the folder exists. */
  start(request: MergeRequest): ExportRecord {
    const outDir = path.resolve(request.outDir);
    if (fs.existsSync(outDir)) {
      throw usageError('FOLDER_EXISTS', `${outDir} exists already; choose a folder that does not, so that nothing is overwritten.`, { path: outDir });
    }
    const id = newId('export');
    this.#catalog.exports.insert({
      id,
      adapterId: request.adapterId,
      adapterDir: request.adapterDir,
      modelDir: request.modelDir,
      outDir,
      dtype: request.dtype ?? null,
      ownerPid: process.pid,
      createdAt: new Date().toISOString(),
    });
    this.#ended.set(id, this.#run(id, { ...request, outDir }).finally(() => this.#ended.delete(id)));
    return this.get(id);
  }

  /** The row once the export is over, completed or failed. */
  async finished(id: string): Promise<ExportRecord> {
    return (await this.#ended.get(id)) ?? this.get(id);
  }

  /** Exports under way become failed. Returns their folders; the caller ends the workers, then removes what is half-written. */
  close(): string[] {
    this.#closed = true;
    const error = { code: 'EXPORT_ABANDONED', message: 'Graft was closed while this export was under way; start it again.' };
    return [...this.#ended.keys()].map((id) => {
      this.#catalog.exports.fail(id, error, new Date().toISOString());
      return this.get(id).outDir;
    });
  }

  async #run(id: string, request: MergeRequest): Promise<ExportRecord> {
    const before = this.get(id);
    try {
      const result = await this.#merge(id, request);
      if (this.#closed) return before;
      this.#catalog.exports.complete(id, result, new Date().toISOString());
    } catch (error) {
      if (this.#closed) return before;
      removePartials(request.outDir);
      this.#catalog.exports.fail(id, toErrorData(error), new Date().toISOString());
    }
    const record = this.get(id);
    this.#watchers.emit(id, { type: 'status', record });
    return record;
  }

  async #merge(id: string, request: MergeRequest): Promise<MergeResult> {
    const engine = await this.#engines.resolve(request.engine ?? 'auto');
    const { modelDir, adapterDir, tasks, outDir, dtype } = request;
    const heldOut = this.#heldOutRows(request.adapterId);
    const params = { engine, modelDir, adapterDir, outDir, ...(tasks ? { tasks } : {}), ...(dtype ? { dtype } : {}), ...(heldOut ? { heldOut } : {}) };
    return this.#workers.once('merge', params, (event) => this.#watchers.emit(id, { type: 'progress', ...event }));
  }

  /** The validation rows of the adapter's run: what it has never been trained on. */
  #heldOutRows(adapterId: string | null): MergeParams['heldOut'] {
    const runId = adapterId === null ? null : this.#catalog.adapters.get(adapterId)?.runId;
    const run = runId ? this.#catalog.runs.get(runId) : undefined;
    return run && { data: run.spec.data, val: run.spec.train.val, seed: run.spec.train.seed };
  }
}
