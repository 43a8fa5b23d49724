/** Deleting adapters, by way of the trash or for good. The playground lets go of them first. */
import type { TrashedAdapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { PlaygroundService } from '../playground/service.ts';
import { removeForgotten } from '../lab/kept.ts';
import type { Home } from '../storage/home.ts';
import type { AdapterService } from './service.ts';
import { purgeAdapter, restoreAdapter, trashAdapter } from './trash.ts';

export class AdapterRemoval {
  #home: Home;
  #catalog: Catalog;
  #adapters: AdapterService;
  #playground: PlaygroundService;

  constructor(home: Home, catalog: Catalog, adapters: AdapterService, playground: PlaygroundService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#adapters = adapters;
    this.#playground = playground;
  }

  /** What is in the trash. Throws a usage error NOT_IN_TRASH. */
  require(id: string): TrashedAdapter {
    const adapter = this.#catalog.adapters.getTrashed(id);
    if (!adapter)
      throw usageError(
        'NOT_IN_TRASH',
        `There is no adapter ${id} in the trash; it may have been restored or deleted for good in another window.`,
        { adapterId: id },
      );
    return adapter;
  }

  listTrash(): TrashedAdapter[] {
    return this.#catalog.adapters.trash();
  }

  /** Moves adapters to the trash. A task that had one active has none afterwards. */
  async trash(ids: string[]): Promise<{ trashed: string[] }> {
    const adapters = ids.map((id) => this.#adapters.require(id));
    for (const adapter of adapters) {
      await this.#playground.letGo(adapter.id);
      trashAdapter(this.#home, this.#catalog, adapter);
    }
    return { trashed: ids };
  }

  restore(ids: string[]): { restored: string[] } {
    const adapters = ids.map((id) => this.require(id));
    for (const adapter of adapters) restoreAdapter(this.#home, this.#catalog, adapter);
    return { restored: ids };
  }

  /** Deletes adapters in the trash for good. */
  async purge(ids: string[]): Promise<{ removed: string[] }> {
    const adapters = ids.map((id) => this.require(id));
    for (const adapter of adapters) purgeAdapter(this.#catalog, adapter);
    await removeForgotten(this.#home, this.#catalog);
    return { removed: ids };
  }

  /** Deletes an adapter for good, without the trash. A task that had it active has none afterwards. */
  async remove(id: string): Promise<{ removed: string }> {
    const adapter = this.#adapters.require(id);
    await this.#playground.letGo(id);
    purgeAdapter(this.#catalog, adapter);
    await removeForgotten(this.#home, this.#catalog);
    return { removed: id };
  }
}
