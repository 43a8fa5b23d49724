/** One dataset as its page shows it: the version that is looked at, what is in it, and what can be done with it. */
import { counted } from '../../../src-shared/plural.ts';
import { api, type Dataset, type DatasetLook, type VersionView } from '../../lib/api.ts';
import { formatCount } from '../../lib/format.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Opening } from './opening.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { toasts } from '../../lib/toasts.svelte.ts';

export class DatasetView {
  dataset = $state.raw<Dataset>()!;
  /** Number of the version that is looked at. */
  version = $state(0);
  readonly look = new Resource<DatasetLook>(() => api.datasets.look.query(this.source));
  readonly versions = new Resource<VersionView[]>(() => api.datasets.versions.query({ id: this.dataset.id }));
  readonly opening = new Opening();
  readonly acting = new Action();
  readonly source = $derived({ id: this.dataset.id, version: this.version });
  readonly viewed = $derived(this.versions.data?.find(({ number }) => number === this.version));
  /** Whether the user's own file has changed since it was last read, or is gone. */
  readonly fileState = $derived(this.versions.data?.find(({ own }) => !own)?.state ?? 'same');
  #onChange: () => void;

  /** `onChange`: called when the list of datasets has changed. */
  constructor(dataset: Dataset, version: number | undefined, onChange: () => void) {
    this.dataset = dataset;
    this.version = version ?? dataset.version;
    this.#onChange = onChange;
  }

  async load(): Promise<void> {
    await Promise.all([this.#look(), this.versions.load()]);
  }

  async #look(): Promise<void> {
    if (await this.opening.read(this.source)) await this.look.load();
  }

  show(version: number): void {
    this.version = version;
    // Not the facts of another version meanwhile.
    this.look.data = undefined;
    void this.load();
  }

  /** A new version was made elsewhere and is the current one. */
  showNew(version: number): void {
    this.dataset = { ...this.dataset, version };
    this.#onChange();
    this.show(version);
  }

  /** Does something that gives the dataset back, then shows its current version. True when it worked. */
  async change(work: () => Promise<Dataset>, done: (dataset: Dataset) => string): Promise<boolean> {
    const dataset = await this.acting.run(work);
    if (!dataset) return false;
    this.dataset = dataset;
    this.version = dataset.version;
    toasts.show({ text: done(dataset), tone: 'good' });
    this.#onChange();
    await this.load();
    return true;
  }

  useVersion(version: number): Promise<boolean> {
    const { id } = this.dataset;
    return this.change(
      () => api.datasets.useVersion.mutate({ id, version }),
      () => `Version ${version} is the current one now.`,
    );
  }

  takeChanged(): Promise<boolean> {
    const { id } = this.dataset;
    return this.change(
      () => api.datasets.takeChanged.mutate({ id }),
      ({ version, rows }) => `Version ${version} with ${counted(rows, ['row', 'rows'])} is the current one now.`,
    );
  }

  relocate(file: string): Promise<boolean> {
    const { id } = this.dataset;
    return this.change(
      () => api.datasets.relocate.mutate({ id, file }),
      ({ source }) => `The file is ${source} now.`,
    );
  }

  setMap(map: Record<string, string>, allowBadRows: boolean): Promise<boolean> {
    const { id } = this.dataset;
    return this.change(
      () => api.datasets.setMap.mutate({ id, map, allowBadRows }),
      ({ rows }) => `${counted(rows, ['row', 'rows'])} can be used with these columns.`,
    );
  }

  withoutDuplicates(): Promise<boolean> {
    return this.change(
      () => api.datasets.withoutDuplicates.mutate(this.source),
      ({ version, rows }) => `Version ${version} has ${counted(rows, ['row', 'rows'])}, each once.`,
    );
  }

  withoutBadRows(): Promise<boolean> {
    return this.change(
      () => api.datasets.withoutBadRows.mutate(this.source),
      ({ version, rows }) => `Version ${version} has the ${formatCount(rows)} good rows only.`,
    );
  }

  allowBadRows(allow: boolean): Promise<boolean> {
    const { id } = this.dataset;
    return this.change(
      () => api.datasets.allowBadRows.mutate({ id, allow }),
      () => (allow ? 'Runs go on without the bad rows.' : 'A run does not start while there are bad rows.'),
    );
  }
}
