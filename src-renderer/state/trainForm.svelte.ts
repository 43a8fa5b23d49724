/** The settings of a run that is about to start, with the defaults filled in. */
import { api, type BaseModel, type Dataset, type EngineName, type RunView, type StartRun } from '../api.ts';
import { startingLr } from '../startingLr.ts';
import { Action } from './action.svelte.ts';
import { MethodForm } from './methodForm.svelte.ts';

export class TrainForm {
  models = $state.raw<BaseModel[]>([]);
  datasets = $state.raw<Dataset[]>([]);
  /** Task names of the sample datasets, by dataset id. */
  suggestions = $state.raw<Record<string, string>>({});
  modelId = $state('');
  datasetId = $state('');
  taskName = $state('');
  engine = $state<'auto' | EngineName>('auto');
  lr = $state<number | undefined>(2e-4);
  steps = $state<number | undefined>(100);
  batch = $state<number | undefined>(4);
  accumulate = $state<number | undefined>(1);
  maxLength = $state<number | undefined>(256);
  seed = $state<number | undefined>(0);
  schedule = $state<'linear' | 'cosine' | 'constant'>('linear');
  warmup = $state<number | undefined>(0);
  weightDecay = $state<number | undefined>(0.01);
  val = $state<number | undefined>(0.05);
  evalEvery = $state<number | undefined>(20);
  checkpointEvery = $state<number | undefined>(50);
  lossOn = $state<'completion' | 'all'>('completion');
  readonly starting = new Action();

  readonly model = $derived(this.models.find((model) => model.id === this.modelId));
  readonly method = new MethodForm(() => this.model);
  readonly ready = $derived(Boolean(this.model && this.datasetId && this.taskName.trim() && this.method.complete));

  /** Chooses a model; a learning rate that the user typed stays. */
  chooseModel(id: string): void {
    const untouched = !this.model || this.lr === startingLr(this.model.parameters);
    this.modelId = id;
    if (this.method.chosen.length === 0) this.method.targets = this.method.available.slice(0, 1);
    if (untouched && this.model) this.lr = startingLr(this.model.parameters);
  }

  /** Chooses a dataset; a task name that the user typed stays, one that was suggested changes with it. */
  chooseDataset(id: string): void {
    const untouched = this.taskName === '' || this.taskName === this.suggestions[this.datasetId];
    this.datasetId = id;
    if (untouched) this.taskName = this.suggestions[id] ?? '';
  }

  /** What the router's schema checks; an empty number box is left to the schema's default. */
  request(): StartRun {
    const { lr, steps, batch, accumulate, seed, schedule, warmup, weightDecay, val, evalEvery, checkpointEvery } = this;
    return {
      modelId: this.modelId,
      datasetId: this.datasetId,
      taskName: this.taskName.trim(),
      engine: this.engine,
      method: this.method.settings(),
      train: { steps, batch, accumulate, lr, schedule, warmup, weightDecay, val, seed, evalEvery, checkpointEvery },
      data: { maxLength: this.maxLength, lossOn: this.lossOn },
    };
  }

  start(): Promise<RunView | undefined> {
    return this.starting.run(() => api.runs.start.mutate(this.request()));
  }
}
