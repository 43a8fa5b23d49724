/** The runs that are drawn beside the one of the page, with all their losses. */
import { api, type RunView } from '../../lib/api.ts';
import { SeriesStore } from '../../charts/seriesStore.ts';
import { formatDate } from '../../lib/format.ts';
import { Action } from '../../lib/action.svelte.ts';
import type { ChartView } from '../../charts/chartView.svelte.ts';
import { readSeries } from '../../charts/readSeries.ts';
import { StepPlaces, stepsPerEpoch } from '../../charts/xAxis.ts';

export class ComparedRuns {
  /** Runs to choose from, newest first. */
  choices = $state.raw<RunView[]>([]);
  readonly reading = new Action();
  #view: ChartView;
  #stores = $state.raw<Record<string, SeriesStore>>({});

  /** Those chosen whose losses have been read. */
  readonly shown = $derived.by(() => {
    const { smoothing, axis } = this.#view;
    return this.#view.compare.flatMap((id) => {
      const run = this.choices.find((choice) => choice.id === id);
      const store = this.#stores[id];
      if (!run || !store) return [];
      store.smoothWith(smoothing);
      return [{ id, name: this.#nameOf(run), store, places: new StepPlaces(store, axis, stepsPerEpoch(run)) }];
    });
  });
  readonly lastStep = $derived(Math.max(0, ...this.shown.map(({ store }) => store.lastStep)));
  /** Where the longest of them ends on the x axis. */
  readonly lastX = $derived(Math.max(0, ...this.shown.map(({ places }) => places.trained.at(-1) ?? 0)));

  constructor(view: ChartView) {
    this.#view = view;
  }

  /** Reads the list, without the run `ownId`, and the losses of those that are chosen already. */
  async open(ownId: string): Promise<void> {
    const runs = await this.reading.run(() => api.runs.list.query());
    if (!runs) return;
    const { compare } = this.#view;
    const isShown = (run: RunView) => run.archivedAt === null || compare.includes(run.id);
    this.choices = runs.filter((run) => run.id !== ownId && run.started !== null && isShown(run));
    const known = this.choices.map((run) => run.id);
    await Promise.all(this.#view.compare.filter((id) => known.includes(id)).map((id) => this.#read(id)));
  }

  async choose(id: string, on: boolean): Promise<void> {
    this.#view.compare = on ? [...this.#view.compare, id] : this.#view.compare.filter((other) => other !== id);
    if (on && !this.#stores[id]) await this.#read(id);
  }

  async #read(id: string): Promise<void> {
    const store = new SeriesStore(this.#view.smoothing);
    const read = await this.reading.run(() => readSeries(id, store).then(() => true));
    if (read) this.#stores = { ...this.#stores, [id]: store };
  }

  /** Runs of one task often share their name: the time tells them apart. */
  #nameOf(run: RunView): string {
    const twins = this.choices.filter((other) => other.name === run.name).length > 1;
    return twins ? `${run.name}, ${formatDate(run.createdAt)}` : run.name;
  }
}
