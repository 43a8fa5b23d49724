/** The sample journey: the model and the data that come with Graft, trained with the quick preset, started by one click. */
import { api, type RunView, type StartRun } from '../api.ts';
import { Action } from './action.svelte.ts';

export class SampleRun {
  readonly starting = new Action();

  /** Adds what is not there yet and starts; the run, or undefined where it failed. */
  start(): Promise<RunView | undefined> {
    return this.starting.run(async () => {
      const starter = await api.system.starter.query();
      const sample = starter?.datasets[0];
      if (!starter || !sample) throw new Error('This copy of Graft lacks the sample in resources/starter; check out the whole repository, or add a model and a dataset of your own.');
      const [model, dataset] = await Promise.all([api.models.add.mutate({ dir: starter.modelDir, name: 'Starter' }), api.datasets.add.mutate({ file: sample.file, name: sample.name })]);
      return api.runs.start.mutate(quick(model.id, dataset.id, sample.task));
    });
  }
}

function quick(modelId: string, datasetId: string, taskName: string): StartRun {
  return {
    modelId,
    datasetId,
    taskName,
    method: { type: 'lora' },
    train: { steps: 60, batch: 8, lr: 5e-3, schedule: 'linear', val: 0.05, evalEvery: 20, checkpointEvery: 10 },
  };
}
