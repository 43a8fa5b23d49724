/** One host of crash.ts: goes on with the run of its data folder, or starts it, and tells every step until it ends. */
import path from 'node:path';
import { createCaller } from '../src-main/api/router.ts';
import { createServices } from '../src-main/app/services.ts';
import { REPOSITORY } from './lib/places.ts';

const [home = '', steps = '0'] = process.argv.slice(2);
const services = createServices({ home });
const api = createCaller(services);
const [earlier] = services.runs.list();
const run = earlier?.resumable ? services.runs.resume(earlier.id) : await fresh();
services.runs.subscribe(run.id, (event) => {
  if (event.type === 'step') process.stdout.write(`step ${event.step}\n`);
});
await services.runs.finished(run.id);
await services.close();

/** Without a checkpoint yet a run cannot be resumed: it is removed and begun again. */
async function fresh() {
  if (earlier) services.runs.remove(earlier.id);
  const starter = path.join(REPOSITORY, 'resources/starter');
  const [model] = services.catalog.models.list();
  const [dataset] = services.catalog.datasets.list();
  return services.runs.start({
    modelId: (model ?? (await api.models.add({ dir: path.join(starter, 'model') }))).id,
    datasetId: (dataset ?? (await api.datasets.add({ file: path.join(starter, 'data', 'describe.jsonl') }))).id,
    taskName: 'crash',
    engine: 'wasm',
    method: { type: 'lora', rank: 4 },
    train: { steps: Number(steps), batch: 1, checkpointEvery: 5, evalEvery: 20, val: 0.1 },
  });
}
