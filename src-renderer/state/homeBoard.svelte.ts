/** The start page: the board of tasks, what runs, and the latest exports; all of it from one call. */
import { api } from '../api.ts';
import { Resource } from './resource.svelte.ts';
import { Switcher } from './switcher.svelte.ts';
import { TaskChanges } from './taskChanges.svelte.ts';

/** While something runs its progress is read again this often. */
const INTERVAL_MS = 1500;

export class HomeBoard extends TaskChanges {
  readonly resource = new Resource(() => api.home.board.query());
  readonly switcher = new Switcher(() => this.resource.load());
  /** Nothing has been trained or imported yet. */
  readonly fresh = $derived(this.resource.data !== undefined && this.resource.data.counts.runs === 0 && this.resource.data.counts.adapters === 0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = true;

  async load(): Promise<void> {
    clearTimeout(this.#timer);
    await this.resource.load();
    if (this.#open && (this.resource.data?.runs.length ?? 0) > 0) this.#timer = setTimeout(() => void this.load(), INTERVAL_MS);
  }

  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  protected override reload(): Promise<void> {
    return this.resource.load();
  }
}
