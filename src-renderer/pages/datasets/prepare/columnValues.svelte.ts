/** The different values of the column that is chosen. */
import { ALONE, api, type DistinctValues } from '../../../lib/api.ts';
import { failureOf } from '../../../lib/stream.ts';

export class ColumnValues {
  data = $state.raw<DistinctValues | undefined>();
  error = $state<string | undefined>();
  #asked: AbortController | undefined;

  /** Nothing for no column. */
  async load(source: { id: string; version: number }, column: string): Promise<void> {
    this.#asked?.abort();
    const mine = (this.#asked = new AbortController());
    this.data = undefined;
    this.error = undefined;
    if (column === '') return;
    try {
      const data = await api.datasets.distinct.query({ ...source, column }, { ...ALONE, signal: mine.signal });
      if (mine === this.#asked) this.data = data;
    } catch (error) {
      if (mine === this.#asked) this.error = failureOf(error).message;
    }
  }
}
