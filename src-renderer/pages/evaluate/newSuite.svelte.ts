/** The form of a new suite. */
import { api, type AddSuite } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { CHOSEN_METRICS, isMetricOf, type SuiteMetric, type SuiteTask } from '../../../src-shared/suiteMetrics.ts';

export type RowsKind = AddSuite['rows']['kind'];

export class NewSuiteForm {
  readonly lists = new Resource(async () => {
    const [datasets, runs] = await Promise.all([api.datasets.list.query(), api.runs.list.query()]);
    // Runs without a text to answer, or without validation rows, have no questions.
    const asked = runs.filter(
      ({ status, spec }) => status === 'completed' && !spec.data.classify && spec.train.val > 0,
    );
    return { datasets, runs: asked };
  });
  readonly adding = new Action();
  name = $state('');
  kind = $state<RowsKind>('all');
  datasetId = $state('');
  runId = $state('');
  count = $state<number | undefined>(200);
  task = $state<SuiteTask>('answer');
  /** Take the metrics that suit the answers. */
  suited = $state(true);
  metrics = $state<SuiteMetric[]>(['exactMatch', 'loss']);
  pattern = $state('');
  schema = $state('');
  choicesColumn = $state('');
  maxNew = $state<number | undefined>(128);
  /** Empty: none. */
  generalId = $state('');
  readonly offered = $derived(CHOSEN_METRICS.filter((metric) => isMetricOf(metric, this.task)));
  readonly chosen = $derived(this.metrics.filter((metric) => this.offered.includes(metric)));
  readonly withPattern = $derived(!this.suited && this.chosen.includes('pattern'));
  readonly withSchema = $derived(!this.suited && this.chosen.includes('jsonSchema'));
  readonly complete = $derived(
    this.name.trim() !== '' &&
      (this.kind === 'heldOut' ? this.runId !== '' : this.datasetId !== '') &&
      (this.kind !== 'sample' || this.count !== undefined) &&
      (this.suited || this.chosen.length > 0) &&
      this.maxNew !== undefined,
  );

  async open(): Promise<void> {
    await this.lists.load();
    const { datasets = [], runs = [] } = this.lists.data ?? {};
    this.datasetId ||= datasets.at(-1)?.id ?? '';
    this.runId ||= runs[0]?.id ?? '';
    if (this.runId !== '') this.kind = 'heldOut';
  }

  toggle(metric: SuiteMetric, on: boolean): void {
    this.metrics = on ? [...this.metrics, metric] : this.metrics.filter((one) => one !== metric);
  }

  /** The id of the new suite; undefined where it could not be made. */
  async add(): Promise<string | undefined> {
    const { name, kind, datasetId, task, maxNew } = this;
    const suite = await this.adding.run(() =>
      api.suites.add.mutate({
        name,
        task,
        rows: this.#rows(),
        ...(kind === 'heldOut' ? {} : { dataset: { datasetId } }),
        ...(this.suited ? {} : { metrics: this.chosen }),
        ...(this.withPattern ? { pattern: this.pattern } : {}),
        ...(this.withSchema ? { schema: this.schema } : {}),
        ...(task === 'choice' && this.choicesColumn.trim() !== '' ? { choicesColumn: this.choicesColumn.trim() } : {}),
        generation: { maxNew: maxNew ?? 128 },
        ...(this.generalId === '' ? {} : { general: { datasetId: this.generalId } }),
      }),
    );
    return suite?.id;
  }

  #rows(): AddSuite['rows'] {
    if (this.kind === 'heldOut') return { kind: 'heldOut', runId: this.runId };
    return this.kind === 'sample' ? { kind: 'sample', count: this.count ?? 200, seed: 0 } : { kind: 'all' };
  }
}
