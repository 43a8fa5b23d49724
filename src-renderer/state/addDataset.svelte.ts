/** Adding a dataset in two steps: check the file, then register it, with the user's word about bad rows. */
import { api, type Dataset, type DatasetReport } from '../api.ts';
import { Action } from './action.svelte.ts';

export class AddDataset {
  file = $state('');
  map = $state.raw<Record<string, string>>({});
  report = $state.raw<DatasetReport | undefined>();
  readonly checking = new Action();
  readonly adding = new Action();
  readonly needsColumns = $derived(this.report !== undefined && this.report.kind === null && this.report.columns.length > 0);

  async check(file: string, map: Record<string, string> = {}): Promise<void> {
    this.file = file;
    this.map = map;
    this.report = undefined;
    this.adding.failure = undefined;
    this.report = await this.checking.run(() => api.datasets.check.query({ file, map }));
  }

  /** Registers the checked file; bad rows are left out, which the user has just agreed to. */
  async add(name?: string): Promise<Dataset | undefined> {
    const report = this.report;
    if (!report) return undefined;
    const dataset = await this.adding.run(() =>
      api.datasets.add.mutate({ file: report.file, map: this.map, allowBadRows: report.badRows.length > 0, ...(name ? { name } : {}) }),
    );
    if (dataset) this.clear();
    return dataset;
  }

  clear(): void {
    this.file = '';
    this.map = {};
    this.report = undefined;
    this.checking.failure = undefined;
    this.adding.failure = undefined;
  }
}
