/** Adapters in the catalogue: listed, described, compared, changed and imported. Deleting them is in trash.ts. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { Home } from '../storage/home.ts';
import type { TaskService } from '../tasks/service.ts';
import { importAdapter, inspectAdapter, type AdapterInspection } from './import.ts';
import { lineageOf, settingsOf, type AdapterLineage, type Setting } from './lineage.ts';
import type { AdapterChanges, ImportRequest } from './inputs.ts';
import { adapterViews, type AdapterView } from './view.ts';

export type AdapterDetails = AdapterView & { lineage: AdapterLineage };

export interface AdapterComparison {
  adapter: AdapterView;
  settings: Setting[];
}

export class AdapterService {
  #home: Home;
  #catalog: Catalog;
  #tasks: TaskService;

  constructor(home: Home, catalog: Catalog, tasks: TaskService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#tasks = tasks;
  }

  /** Throws a usage error ADAPTER_NOT_FOUND. */
  require(id: string): Adapter {
    const adapter = this.#catalog.adapters.get(id);
    if (!adapter)
      throw usageError(
        'ADAPTER_NOT_FOUND',
        `There is no adapter ${id} in the catalogue; "adapters list" shows those that exist.`,
        { adapterId: id },
      );
    return adapter;
  }

  /** Of one task, or all. */
  list(taskId?: string): AdapterView[] {
    return adapterViews(this.#catalog, this.#catalog.adapters.list(taskId));
  }

  view(id: string): AdapterView {
    return this.#view(this.require(id));
  }

  details(id: string): AdapterDetails {
    const adapter = this.require(id);
    return { ...this.#view(adapter), lineage: lineageOf(this.#catalog, adapter) };
  }

  /** Adapters with their settings, in the order asked for; the losses are those of their runs. */
  compare(ids: string[]): AdapterComparison[] {
    return ids
      .map((id) => this.require(id))
      .map((adapter) => ({ adapter: this.#view(adapter), settings: settingsOf(this.#catalog, adapter) }));
  }

  /** Changes what is given. An adapter that moves to another task is no longer active in its old one. */
  update(id: string, given: AdapterChanges): AdapterView {
    const { taskId } = this.require(id);
    if (given.taskId !== undefined) this.#tasks.require(given.taskId);
    const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    this.#catalog.transaction(() => {
      const isActive = this.#tasks.require(taskId).activeAdapterId === id;
      if (isActive && given.taskId !== undefined && given.taskId !== taskId)
        this.#catalog.tasks.setActive(taskId, null);
      this.#catalog.adapters.update(id, changes);
    });
    return this.view(id);
  }

  /** What a folder holds and which registered base models it fits; nothing is copied. */
  inspect(what: Pick<ImportRequest, 'dir' | 'alpha'>, signal?: AbortSignal): Promise<AdapterInspection> {
    return inspectAdapter(this.#catalog, what, signal);
  }

  async import(request: ImportRequest): Promise<AdapterView> {
    return this.#view(await importAdapter(this.#home, this.#catalog, request));
  }

  #view(adapter: Adapter): AdapterView {
    return adapterViews(this.#catalog, [adapter])[0]!;
  }
}
