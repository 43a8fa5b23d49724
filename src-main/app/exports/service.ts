/** Exports: whole models or adapters in the formats of their runtimes; each with a row. */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ExportEnd, ExportRecord, ExportResult } from '../../catalog/exports.ts';
import { firstMissing, removeEmpty } from '../../files/emptyFolders.ts';
import { diskFullError, freeBytesAt } from '../../files/freeSpace.ts';
import { removePartials } from '../../files/removePartials.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { AdapterService } from '../adapters/service.ts';
import { streamOf } from '../events/stream.ts';
import { Watchers } from '../events/watchers.ts';
import { newId } from '../ids.ts';
import type { Home } from '../storage/home.ts';
import { PatientWriter } from '../storage/patientWriter.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import { requestOf, withRows } from './asked.ts';
import { quantisationsOf, refuseCombination } from './combination.ts';
import { completed, EXPORT_ABANDONED, EXPORT_CANCELLED, exportFailure, failed } from './ends.ts';
import type { ExportInput } from './inputs.ts';
import type { ScaledAdapter } from './obstacle.ts';
import { assertNew, neededBytes, planExport, plannedFor, type ExportPlan } from './plan.ts';
import type { ExportRequest } from './request.ts';
import { writeExport, type ExportProgress } from './write.ts';

export type ExportEvent =
  ({ type: 'progress'; id: string } & ExportProgress) | { type: 'status'; record: ExportRecord };

interface UnderWay {
  clearUp: () => void;
  abort: AbortController;
  ended: Promise<ExportRecord>;
}

/** Topic of all exports. */
const ALL = '*';

export class ExportService {
  #home: Home;
  #catalog: Catalog;
  #adapters: AdapterService;
  #workers: Workers;
  #engines: EngineService;
  #watchers = new Watchers<ExportEvent>();
  #underWay = new Map<string, UnderWay>();
  #writer: PatientWriter;
  /** Ends that could not be written yet; the rows still say `running`. */
  #unstored = new Map<string, ExportEnd>();
  #closed = false;

  constructor(parts: {
    home: Home;
    catalog: Catalog;
    adapters: AdapterService;
    workers: Workers;
    engines: EngineService;
  }) {
    this.#home = parts.home;
    this.#catalog = parts.catalog;
    this.#adapters = parts.adapters;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
    this.#writer = new PatientWriter(parts.catalog);
  }

  /** Newest first. */
  list(): ExportRecord[] {
    return this.#catalog.exports.list().map((record) => this.#known(record));
  }

  /** Throws a usage error EXPORT_NOT_FOUND. */
  require(id: string): ExportRecord {
    const record = this.#catalog.exports.get(id);
    if (!record) throw usageError('EXPORT_NOT_FOUND', `There is no export ${id} in the catalogue.`, { exportId: id });
    return this.#known(record);
  }

  subscribe(id: string, listener: (event: ExportEvent) => void): () => void {
    return this.#watchers.subscribe(id, listener);
  }

  /** Every export from now on. */
  subscribeAll(listener: (event: ExportEvent) => void): () => void {
    return this.#watchers.subscribe(ALL, listener);
  }

  /** The row as it is, progress, and the row at the end (completed, or failed with its error). */
  watch(id: string, signal?: AbortSignal): AsyncGenerator<ExportEvent, void, void> {
    return streamOf<ExportEvent>((listener) => this.subscribe(id, listener), {
      first: [{ type: 'status', record: this.require(id) }],
      isLast: (event) => event.type === 'status' && event.record.status !== 'running',
      signal,
    });
  }

  /** What would be written, and what stands in the way. Throws ADAPTER_NOT_FOUND. */
  async plan(input: ExportInput): Promise<ExportPlan> {
    const adapters = this.#adaptersOf(input);
    const modelDir = this.#modelOf(input, adapters);
    const request = withRows(this.#catalog, requestOf(input, adapters, modelDir));
    return planExport(this.#catalog, this.#home.dir, { adapters, modelDir, request });
  }

  /** What else an export does or leaves out, in sentences; none where the folders cannot be read: `start` says why. */
  async notes(request: ExportRequest): Promise<string[]> {
    return (await plannedFor(withRows(this.#catalog, request)))?.notes ?? [];
  }

  /** Of registered adapters, or of a registered model. Throws a usage error, or DISK_FULL where it cannot fit. */
  async startFor(input: ExportInput): Promise<ExportRecord> {
    const adapters = this.#adaptersOf(input);
    const modelDir = this.#modelOf(input, adapters);
    const adapterId = adapters[0]?.adapter.id;
    if (modelDir === undefined && input.format !== 'peft')
      throw new GraftError(
        'MODEL_NOT_FOUND',
        `The base model of the adapter ${adapterId} is not in the catalogue any more; add its folder again or ` +
          'name it.',
        { adapterId },
      );
    return this.start(requestOf(input, adapters, modelDir));
  }

  /**
   * Writes the row and starts the work; `finished` waits for its end. Throws EXPORT_OPTIONS, FOLDER_EXISTS, DISK_FULL.
   */
  async start(asked: ExportRequest): Promise<ExportRecord> {
    refuseCombination(asked);
    const outDir = path.resolve(asked.outDir);
    const request = { ...withRows(this.#catalog, asked), outDir, quantise: quantisationsOf(asked) };
    assertNew(request, this.#home.dir);
    const needed = await neededBytes(request);
    const free = freeBytesAt(outDir);
    if (needed !== undefined && free !== null && needed > free) throw diskFullError(outDir, needed, free);
    const id = newId('export');
    this.#catalog.exports.insert({
      id,
      format: request.format,
      adapterId: request.adapterId,
      adapterDir: request.adapterDir,
      tasks: request.tasks ?? null,
      modelDir: request.modelDir,
      outDir,
      dtype: request.dtype ?? null,
      quantise: request.quantise ?? null,
      maxShardBytes: request.maxShardBytes ?? null,
      ownerPid: process.pid,
      createdAt: now(),
    });
    const record = this.#announce(this.require(id));
    const abort = new AbortController();
    const clearUp = clearerOf(outDir);
    const ended = this.#run(record, request, abort.signal, clearUp).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, { clearUp, abort, ended });
    return record;
  }

  /** The row once the export is over, completed or failed. */
  async finished(id: string): Promise<ExportRecord> {
    return (await this.#underWay.get(id)?.ended) ?? this.require(id);
  }

  /** Ends an export under way; resolves when nothing of it is left on the disk. Throws EXPORT_NOT_RUNNING. */
  async cancel(id: string): Promise<ExportRecord> {
    this.require(id);
    const underWay = this.#underWay.get(id);
    if (!underWay)
      throw usageError(
        'EXPORT_NOT_RUNNING',
        'This export is not under way here any more; reload the page to see how it ended.',
        { exportId: id },
      );
    underWay.abort.abort();
    return this.finished(id);
  }

  /** Takes an ended export out of the history; its folder stays. */
  remove(id: string): { removed: string } {
    if (this.require(id).status === 'running')
      throw usageError('EXPORT_RUNNING', 'This export is under way; cancel it first.', { exportId: id });
    this.#catalog.exports.remove(id);
    return { removed: id };
  }

  /** Exports under way become failed. The caller ends the workers, then calls what removes what is half-written. */
  close(): () => void {
    this.#closed = true;
    for (const { abort } of this.#underWay.values()) abort.abort();
    for (const id of this.#underWay.keys()) this.#store(id, failed(EXPORT_ABANDONED));
    this.#writer.close();
    const left = [...this.#underWay.values()];
    return () => left.forEach(({ clearUp }) => clearUp());
  }

  async #run(
    record: ExportRecord,
    request: ExportRequest,
    signal: AbortSignal,
    clearUp: () => void,
  ): Promise<ExportRecord> {
    const { id } = record;
    let end: ExportEnd;
    try {
      end = completed(await this.#write(id, request, signal));
    } catch (error) {
      if (this.#closed) return record;
      clearUp();
      end = failed(signal.aborted ? EXPORT_CANCELLED : await exportFailure(error, request));
    }
    if (this.#closed) return record;
    this.#store(id, end);
    return this.#announce({ ...record, ...end });
  }

  /** Now, or as soon as the catalogue can be written; callers see the end at once. */
  #store(id: string, end: ExportEnd): void {
    this.#unstored.set(id, end);
    try {
      this.#writer.write(
        () => this.#catalog.exports.end(id, end),
        () => this.#unstored.delete(id),
      );
    } catch {
      // A damaged catalogue takes nothing any more; what was exported lies in its folder all the same.
    }
  }

  #known(record: ExportRecord): ExportRecord {
    return { ...record, ...this.#unstored.get(record.id) };
  }

  #write(id: string, request: ExportRequest, signal: AbortSignal): Promise<ExportResult> {
    const parts = { catalog: this.#catalog, workers: this.#workers, engines: this.#engines };
    const onProgress = (progress: ExportProgress): void => this.#emit(id, { type: 'progress', id, ...progress });
    return writeExport(parts, request, { signal, onProgress });
  }

  #announce(record: ExportRecord): ExportRecord {
    this.#emit(record.id, { type: 'status', record });
    return record;
  }

  #emit(id: string, event: ExportEvent): void {
    this.#watchers.emit(id, event);
    this.#watchers.emit(ALL, event);
  }

  #adaptersOf({ adapters }: Pick<ExportInput, 'adapters'>): ScaledAdapter[] {
    return adapters.map(({ adapterId, scale }) => ({ adapter: this.#adapters.require(adapterId), scale }));
  }

  /** The model as it is, or the base; undefined where that is gone. Throws MODEL_NOT_FOUND for the first. */
  #modelOf({ modelId: named }: ExportInput, adapters: ScaledAdapter[]): string | undefined {
    const modelId = named ?? adapters[0]?.adapter.modelId ?? null;
    const dir = modelId === null ? undefined : this.#catalog.models.get(modelId)?.dir;
    if (dir === undefined && named !== undefined)
      throw usageError('MODEL_NOT_FOUND', `There is no model ${named} in the catalogue; add its folder first.`, {
        modelId: named,
      });
    return dir;
  }
}

/** Removes what is half-written of an export that has not begun yet, and the folders that are made on the way to it. */
function clearerOf(outDir: string): () => void {
  const parent = path.dirname(outDir);
  const firstMade = firstMissing(parent);
  return () => {
    removePartials(outDir);
    if (firstMade) removeEmpty(parent, firstMade);
  };
}

function now(): string {
  return new Date().toISOString();
}
