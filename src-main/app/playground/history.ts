/** What was asked in the playground and answered. */
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { HistoryEntry, HistoryHead } from '../../catalog/playground.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { newId } from '../ids.ts';
import type { entrySchema } from './inputs.ts';

const TITLE_LENGTH = 200;

export class PlaygroundHistory {
  #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Throws a usage error HISTORY_NOT_FOUND. */
  require(id: string): HistoryEntry {
    const entry = this.#catalog.playground.history.get(id);
    if (!entry)
      throw usageError(
        'HISTORY_NOT_FOUND',
        'This entry is no longer in the history; it was deleted, perhaps in another window.',
        { id },
      );
    return entry;
  }

  /** Newest first; `search` looks into what was asked and the model's name. */
  list({ search, limit }: { search: string; limit: number }): HistoryHead[] {
    return this.#catalog.playground.history.list(search.trim(), limit);
  }

  save(entry: z.output<typeof entrySchema>): { id: string } {
    const id = entry.id ?? newId('history');
    const model = this.#catalog.models.get(entry.modelId);
    this.#catalog.playground.history.save({
      ...entry,
      id,
      modelId: model?.id ?? null,
      modelName: model?.name ?? 'a removed model',
      title: entry.title.slice(0, TITLE_LENGTH),
      createdAt: new Date().toISOString(),
    });
    return { id };
  }

  remove(id: string) {
    return { removed: this.#catalog.playground.history.remove(id) };
  }

  clear() {
    return { removed: this.#catalog.playground.history.clear() };
  }
}
