/** The rows that a table shows, fetched in pages as it scrolls; only the last pages that were seen are kept. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { failureOf, type Failure } from '../../lib/stream.ts';

const PAGE_ROWS = 100;
const KEPT_PAGES = 30;
/** Nothing is fetched during a fast scroll. */
const SETTLE_MS = 40;

export class RowPages<T> {
  total = $state(0);
  /** The first answer has arrived. */
  ready = $state(false);
  failure = $state.raw<Failure | undefined>();
  #pages = new SvelteMap<number, T[]>();
  #asked = new SvelteSet<number>();
  #read: (offset: number, count: number) => Promise<{ total: number; rows: T[] }>;
  #generation = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shown: [from: number, to: number] = [0, 1];

  constructor(read: (offset: number, count: number) => Promise<{ total: number; rows: T[] }>) {
    this.#read = read;
  }

  /** The row at a place; undefined while it loads. */
  at(place: number): T | undefined {
    return this.#pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS];
  }

  /** Starts over, for other rows. */
  async reset(): Promise<void> {
    this.#generation++;
    this.#asked.clear();
    this.#shown = [0, 1];
    await this.#fetch(0, true);
  }

  /** The table shows these places now (end not included). */
  show(from: number, to: number): void {
    this.#shown = [from, to];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetchShown(), SETTLE_MS);
  }

  #fetchShown(): void {
    const [from, to] = this.#shown;
    for (let page = Math.floor(from / PAGE_ROWS); page * PAGE_ROWS < Math.min(to, this.total); page++)
      void this.#fetch(page, false);
  }

  async #fetch(page: number, isFirst: boolean): Promise<void> {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    const generation = this.#generation;
    try {
      const { total, rows } = await this.#read(page * PAGE_ROWS, PAGE_ROWS);
      if (generation !== this.#generation) return;
      if (isFirst) this.#pages.clear();
      this.total = total;
      this.failure = undefined;
      this.#pages.set(page, rows);
      this.#forgetFar(page);
    } catch (error) {
      this.#asked.delete(page);
      if (generation === this.#generation) this.failure = failureOf(error);
    } finally {
      if (generation === this.#generation) this.ready = true;
    }
  }

  #forgetFar(page: number): void {
    if (this.#pages.size <= KEPT_PAGES) return;
    const farthest = [...this.#pages.keys()].reduce(
      (far, other) => (Math.abs(other - page) > Math.abs(far - page) ? other : far),
      page,
    );
    this.#pages.delete(farthest);
    this.#asked.delete(farthest);
  }
}
