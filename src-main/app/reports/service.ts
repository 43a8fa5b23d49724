/**
 * Writes a report when a worker or Graft itself dies, or meets a fault of its own. It stays on this machine: the user
 * reads it, and sends it where they want.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Run } from '../../catalog/runs.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import { Watchers } from '../events/watchers.ts';
import type { RunsEvent } from '../runs/channel.ts';
import type { Home } from '../storage/home.ts';
import { howItEnded, type LostCall } from '../workers/client.ts';
import type { WorkerExit } from '../workers/channel.ts';
import { machineFacts, placesOf, runFacts } from './content.ts';
import { listReports, readReport, writeReport, type ReportFile } from './files.ts';
import { leaveMark, takeAbandonedMarks } from './openMark.ts';
import { privateHere, scrubbed } from './scrub.ts';

interface Cause {
  title: string;
  runId?: string | undefined;
  /** Whatever else is known. */
  facts: object;
}

export class ReportService {
  #home: Home;
  #catalog: Catalog;
  #watchers = new Watchers<ReportFile>();
  /** Faults that this process has reported: a page asks again and again. */
  #known = new Set<string>();
  #takeMark: (() => void) | undefined;

  constructor(home: Home, catalog: Catalog) {
    this.#home = home;
    this.#catalog = catalog;
  }

  /** Reports a host that did not end by itself, and marks this one as running. */
  begin(): void {
    for (const startedAt of takeAbandonedMarks(this.#home.reportsDir)) {
      const run = this.#catalog.runs.list().find(({ error }) => error?.code === 'RUN_ABANDONED');
      this.#write({
        title: 'Graft ended without closing: it was killed, or the machine was switched off.',
        runId: run && run.endedAt !== null && Date.now() - Date.parse(run.endedAt) < 60_000 ? run.id : undefined,
        facts: { startedAt },
      });
    }
    this.#takeMark = leaveMark(this.#home.reportsDir);
  }

  close(): void {
    this.#takeMark?.();
  }

  subscribe(listener: (report: ReportFile) => void): () => void {
    return this.#watchers.subscribe('all', listener);
  }

  /** Newest first. */
  list(): ReportFile[] {
    return listReports(this.#home.reportsDir);
  }

  /** As `readReport`. */
  read(name: string): string {
    return readReport(this.#home.reportsDir, name);
  }

  /** A worker process that ended although it had something to do. */
  workerLost = (exit: WorkerExit, calls: readonly LostCall[]): void => {
    const training = calls.find((call) => call.name === 'train');
    this.#write({
      title: `The worker process ${howItEnded({ ...exit, lastErrorLine: '' })}.`,
      runId: training?.runId,
      facts: { worker: { ...exit, calls: calls.map(({ name }) => name) } },
    });
  };

  /** A run that a fault of Graft's own has ended; the death of its worker has been told before. */
  ofRun = (event: RunsEvent): void => {
    if (event.type !== 'run' || event.run.status !== 'failed' || event.run.error?.code !== 'INTERNAL') return;
    const { id, error, startedAt } = event.run;
    if (this.#isNew(`${id} ${startedAt}`))
      this.#write({ title: 'A run ended by a fault of Graft.', runId: id, facts: { error } });
  };

  /** An error that nobody expected; `where`: what was under way. */
  fault = (error: unknown, where: string): void => {
    const { code, message, details } = toErrorData(error);
    if (!this.#isNew(`${message} ${String(details?.['stack'])}`)) return;
    const { stack, cause } = error instanceof Error ? error : {};
    const facts = { where, error: { code, message, stack, cause: cause instanceof Error ? cause.stack : undefined } };
    this.#write({ title: 'Graft met a fault of its own.', facts });
  };

  #isNew(key: string): boolean {
    const isNew = !this.#known.has(key);
    this.#known.add(key);
    return isNew;
  }

  /** Never throws: what is reported is bad enough. */
  #write({ title, runId, facts }: Cause): void {
    try {
      const { dir, reportsDir } = this.#home;
      const run = runId === undefined ? undefined : this.#run(runId);
      const about = {
        ...facts,
        ...(run ? { run: runFacts(run.row, run.log) } : {}),
        machine: machineFacts(dir),
        memory: process.memoryUsage(),
      };
      const hidden = privateHere(dir, run ? placesOf(run.row) : {});
      const report = { at: new Date().toISOString(), title, ...(scrubbed(about, hidden) as object) };
      const name = writeReport(reportsDir, report);
      const file = listReports(reportsDir).find((one) => one.name === name);
      if (file) this.#watchers.emit('all', file);
    } catch {
      // The disk may be full, or the catalogue be what is broken; the error itself is told all the same.
    }
  }

  #run(id: string): { row: Run; log: string[] } | undefined {
    const row = this.#catalog.runs.get(id);
    return row && { row, log: this.#catalog.runHistory.messages(id) };
  }
}
