/** Exports, newest first, the running ones with their progress and time left. */
import { api, type ExportEvent, type ExportRecord } from '../../lib/api.ts';
import { progressAfter, type ExportProgress } from './exportProgress.ts';
import { streamOptions } from '../../lib/stream.ts';
import { Action } from '../../lib/action.svelte.ts';
import type { ExportForm } from './exportForm.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';

export class ExportList {
  readonly view = new Resource(async () => {
    const [records, adapters, models, info] = await Promise.all([
      api.exports.list.query(),
      api.adapters.list.query(),
      api.models.list.query(),
      api.system.info.query(),
    ]);
    this.records = records;
    for (const record of records) if (record.status === 'running') this.#watch(record.id);
    return { adapters, models, info };
  });
  records = $state.raw<ExportRecord[]>([]);
  progress = $state<Record<string, ExportProgress>>({});
  /** Why a running export cannot be watched. */
  error = $state<string | undefined>();
  readonly starting = new Action();
  readonly changing = new Action();
  #ends: Record<string, () => void> = {};

  /** True when it has started. */
  async start(form: ExportForm): Promise<boolean> {
    const record = await this.starting.run(() => api.exports.start.mutate(form.request()));
    if (!record) return false;
    this.#put(record);
    if (record.status === 'running') this.#watch(record.id);
    return true;
  }

  async cancel(id: string): Promise<void> {
    const record = await this.changing.run(() => api.exports.cancel.mutate({ id }));
    if (record) this.#put(record);
  }

  /** Out of the history; the folder stays. */
  async remove(id: string): Promise<void> {
    if (await this.changing.run(() => api.exports.remove.mutate({ id })))
      this.records = this.records.filter((record) => record.id !== id);
  }

  close(): void {
    for (const end of Object.values(this.#ends)) end();
    this.#ends = {};
  }

  #watch(id: string): void {
    if (this.#ends[id]) return;
    const end = () => {
      this.#ends[id]?.();
      delete this.#ends[id];
    };
    const handlers = {
      data: (event: ExportEvent) => {
        if (event.type === 'progress') this.progress[id] = progressAfter(this.progress[id], event, performance.now());
        else this.#put(event.record);
      },
      failed: (sentence: string) => (this.error = sentence),
      done: () => void delete this.#ends[id],
    };
    const subscription = api.exports.watch.subscribe({ id }, streamOptions(handlers, end));
    this.#ends[id] = () => subscription.unsubscribe();
  }

  #put(record: ExportRecord): void {
    const known = this.records.some((other) => other.id === record.id);
    this.records = known
      ? this.records.map((other) => (other.id === record.id ? record : other))
      : [record, ...this.records];
  }
}
