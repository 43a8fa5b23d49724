/**
 * The sample journey: the model and the data that come with Graft, trained with the quick preset, started by one click.
 */
import { api, type RegisteredModel, type Dataset, type RunView, type StartRun } from '../../lib/api.ts';
import { presetSettings } from '../../lib/runs/presets.ts';
import { Action } from '../../lib/action.svelte.ts';

export class SampleRun {
  readonly starting = new Action();

  /** Adds what is not there yet and starts; the run, or undefined where it failed. */
  start(): Promise<RunView | undefined> {
    return this.starting.run(async () => {
      const starter = await api.system.starter.query();
      const sample = starter?.datasets[0];
      if (!starter || !sample)
        throw new Error(
          'This copy of Graft lacks the sample in resources/starter; check out the whole repository, or add a ' +
            'model and a dataset of your own.',
        );
      const [model, dataset] = await Promise.all([
        // @wc-ignore
        api.models.add.mutate({ dir: starter.modelDir, name: 'Starter' }),
        api.datasets.add.mutate({ file: sample.file, name: sample.name }),
      ]);
      const request = quick(model, dataset, sample.task);
      return api.runs.start.mutate({ ...request, train: { ...request.train, samplePrompts: [sample.prompt] } });
    });
  }
}

function quick(model: RegisteredModel, dataset: Dataset, taskName: string): StartRun {
  const {
    steps,
    epochs: _,
    ...settings
  } = presetSettings('quick', { rows: dataset.rows, tokensPerRow: undefined, parameters: model.parameters });
  return {
    modelId: model.id,
    datasetId: dataset.id,
    taskName,
    method: { type: 'lora' },
    train: { ...settings, ...(steps === undefined ? {} : { steps }) },
  };
}
