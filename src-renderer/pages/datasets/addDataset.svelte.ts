/**
 * Adding a dataset in two steps: look at the file, then register it, once the user has decided on columns and bad rows.
 */
import { api, type Dataset, type DatasetLook } from '../../lib/api.ts';
import { pathOfDropped, type Upload } from '../../lib/host/droppedFile.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Opening } from './opening.svelte.ts';

export class AddDataset {
  file = $state('');
  /** Sheet, list, split or file within it that holds the rows; empty: what Graft chooses. */
  part = $state('');
  /** The first line of a CSV file is a row, not the names of the columns. */
  noHeader = $state(false);
  map = $state.raw<Record<string, string>>({});
  look = $state.raw<DatasetLook | undefined>();
  /** Share of a dropped file that has been sent, 0 to 1. */
  sent = $state<number | undefined>();
  readonly checking = new Action();
  readonly opening = new Opening();
  readonly adding = new Action();
  #upload: Upload | undefined;
  #dropped = $state.raw<{ file: string; others: number } | undefined>();

  /** Takes the first of the dropped files. */
  async drop([file, ...others]: File[]): Promise<void> {
    if (!file) return;
    this.clear();
    const upload = pathOfDropped(file, (share) => (this.sent = share));
    this.#upload = upload;
    const path = await this.checking.run(() => upload.path.finally(() => (this.sent = undefined)));
    // What has been named meanwhile is what the user wants.
    if (path === undefined || this.#upload !== upload || this.file !== '') return;
    this.#dropped = { file: path, others: others.length };
    await this.check(path);
  }

  /** Files that were dropped together with this one, and not taken. */
  get passedOver(): number {
    return this.#dropped?.file === this.file ? this.#dropped.others : 0;
  }

  cancelUpload(): void {
    this.#upload?.cancel();
  }

  async check(file: string, map: Record<string, string> = {}): Promise<void> {
    // Not the facts of another file meanwhile.
    if (file !== this.look?.file) this.look = undefined;
    this.file = file;
    this.map = map;
    this.adding.failure = undefined;
    const source = { file, map, ...this.#rules };
    this.look = await this.checking.run(async () =>
      (await this.opening.read(source)) ? api.datasets.look.query(source) : undefined,
    );
  }

  /** With these columns; where a row is bad, it is shown first. */
  async checkAndAdd(map: Record<string, string>, name?: string): Promise<Dataset | undefined> {
    await this.check(this.look?.file ?? this.file, map);
    return this.look?.kind && this.look.rows > 0 && this.look.bad === 0 ? this.add(name) : undefined;
  }

  get #rules(): { part?: string; noHeader?: boolean } {
    const part = this.part.trim();
    return { ...(part === '' ? {} : { part }), ...(this.noHeader ? { noHeader: true } : {}) };
  }

  /** Whether there may be a header to choose: in a CSV file, or one whose first line is no good as one. */
  get hasHeader(): boolean {
    return this.noHeader || this.look?.format === 'csv' || this.checking.failure?.code === 'DATASET_HEADER';
  }

  /** Whether there is a part to choose: the file says how it was read, or that somebody must choose. */
  get hasParts(): boolean {
    return this.part !== '' || this.checking.failure?.code === 'DATASET_PART' || (this.look?.notes.length ?? 0) > 0;
  }

  /** Where the rows are looked at: the file with the rules that were chosen. */
  get source(): { file: string; part?: string; noHeader?: boolean } {
    return { file: this.look?.file ?? this.file, ...this.#rules };
  }

  /** Registers the file; bad rows are left out, which the user has just agreed to. */
  async add(name?: string): Promise<Dataset | undefined> {
    const { look, map } = this;
    if (!look) return undefined;
    const dataset = await this.adding.run(() =>
      api.datasets.add.mutate({ ...this.source, map, allowBadRows: look.bad > 0, ...(name ? { name } : {}) }),
    );
    if (dataset) this.clear();
    return dataset;
  }

  clear(): void {
    this.opening.stop();
    this.file = '';
    this.part = '';
    this.noHeader = false;
    this.#dropped = undefined;
    this.map = {};
    this.look = undefined;
    this.checking.failure = undefined;
    this.adding.failure = undefined;
  }
}
