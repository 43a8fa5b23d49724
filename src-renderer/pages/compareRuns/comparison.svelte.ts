/** Runs side by side: their losses, what they ended with, and the settings that differ. */
import { compareColour, distinctNames } from '../../charts/compared.ts';
import { readSeries } from '../../charts/readSeries.ts';
import { SeriesStore } from '../../charts/seriesStore.ts';
import { api, type RunView } from '../../lib/api.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { settingRows } from '../../lib/settingRows.ts';
import { flatSettings } from '../../../src-shared/flatSettings.ts';
import { axesOf, isWithin, type Span, type Spans } from './parallelAxes.ts';
import { resultOf, type Result } from './results.ts';

/** Pause between two readings while one of the runs is under way. */
const READ_EVERY_MS = 2000;

export interface ComparedRun {
  run: RunView;
  /** Told from the others', even where two runs share their name. */
  name: string;
  /** Colour token, the same in all charts and tables. */
  colour: string;
  /** All steps so far. */
  store: SeriesStore;
  result: Result;
}

export class RunComparison {
  readonly resource: Resource<ComparedRun[]>;
  /** Also the settings that are the same. */
  all = $state(false);
  /** What is marked on the axes of the parallel coordinates, by axis. */
  spans = $state.raw<Spans>({});
  /** How many of the asked runs are not in the catalogue any more. */
  missing = $state(0);
  readonly compared = $derived.by(() => this.resource.data ?? []);
  readonly rows = $derived.by(() =>
    settingRows(
      this.compared.map(({ run }) => [
        { key: 'base.hash', value: run.spec.model.hash },
        ...flatSettings(run.spec).map(([key, value]) => ({ key, value })),
      ]),
    ),
  );
  readonly shownRows = $derived(this.rows.filter(({ differs }) => this.all || differs));
  readonly sameCount = $derived(this.rows.filter(({ differs }) => !differs).length);
  readonly axes = $derived(axesOf(this.compared));
  /** Whether each run lies within what is marked, in the order of `compared`. */
  readonly within = $derived(this.compared.map((_, i) => isWithin(this.axes, this.spans, i)));
  /** The runs within what is marked; without a mark all. */
  readonly kept = $derived(this.compared.filter((_, i) => this.within[i]));
  readonly #ids: readonly string[];
  readonly #stores: Record<string, SeriesStore> = {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    this.resource = new Resource(() => this.#read());
  }

  async open(): Promise<void> {
    await this.resource.load();
    const active = this.compared.some(({ run }) => ['queued', 'running', 'paused'].includes(run.status));
    if (active && !this.#closed) this.#timer = setTimeout(() => void this.open(), READ_EVERY_MS);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Marks a span of an axis, in shares of its height; undefined takes the mark away. */
  mark(key: string, span: Span | undefined): void {
    const others = Object.fromEntries(Object.entries(this.spans).filter(([other]) => other !== key));
    this.spans = span ? { ...others, [key]: span } : others;
  }

  async #read(): Promise<ComparedRun[]> {
    const all = await api.runs.list.query();
    const runs = this.#ids.flatMap((id) => all.find((run) => run.id === id) ?? []);
    this.missing = this.#ids.length - runs.length;
    const names = distinctNames(runs);
    return Promise.all(
      runs.map(async (run, i) => {
        const store = (this.#stores[run.id] ??= new SeriesStore());
        await readSeries(run.id, store);
        return { run, name: names[i]!, colour: compareColour(i), store, result: resultOf(run, store) };
      }),
    );
  }
}
