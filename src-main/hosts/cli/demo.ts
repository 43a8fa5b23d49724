/** `demo`: the whole road on the starter model: two tasks trained, switched between, tried, and one merged. */
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import path from 'node:path';
import type { RegisteredModel } from '../../catalog/models.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { ENGINE_OPTION } from './command.ts';
import type { Command, Context } from './command.ts';
import { loss, table } from './format.ts';
import { exportToEnd } from './exportToEnd.ts';
import { trainToEnd } from './train.ts';
import type { TrainReport } from './train.ts';
import { readSettings } from './settingOptions.ts';

const METHOD: LoraSettings = {
  type: 'lora',
  rank: 8,
  alpha: 16,
  dropout: 0,
  targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
  init: 'kaiming',
};
const DEFAULT_STEPS = 100;
const NEW_TOKENS = 48;

interface Trained {
  task: string;
  report: TrainReport & { adapterId: string };
  /** A prompt out of the task's data. */
  prompt: string;
}

export const demo: Command = {
  name: 'demo',
  positionals: [],
  summary: 'Trains two tasks on the starter model, switches between them, generates with each, and merges one.',
  options: {
    steps: { type: 'string', value: 'N', help: `optimiser steps per task (${DEFAULT_STEPS})` },
    out: { type: 'string', value: 'DIR', help: 'new folder for the merged model (in the data folder)' },
    engine: ENGINE_OPTION,
  },
  async run(context) {
    const { api, args, services, say } = context;
    const starter = await api.system.starter();
    if (!starter || starter.datasets.length < 2)
      throw new GraftError(
        'STARTER_MISSING',
        'This copy of Graft lacks resources/starter; run "npm run setup" or check out the whole repository.',
      );
    const quiet = { services, say, print: () => undefined };
    const engine = await services.engines.resolve(readSettings(args, COMPUTE_SETTINGS).engine);
    const model = await api.models.add({ dir: starter.modelDir, name: 'Starter' });
    const trained: Trained[] = [];
    for (const { file, name, task } of starter.datasets.slice(0, 2))
      trained.push(
        await trainTask(context, model, { file, name, task, engine, steps: args.integer('steps') ?? DEFAULT_STEPS }),
      );

    say('Loading the base model once …');
    const load = await services.playground.load(model.id, engine);
    const samples = await trySwitching(services, trained);
    services.playground.unload();

    const { report } = trained[0]!;
    const outDir = args.text('out') ?? path.join(services.home.exportsDir, `demo-${report.adapterId}`);
    const { report: written, parity } = await exportToEnd(quiet, {
      format: 'hf',
      adapterId: report.adapterId,
      adapterDir: report.adapterDir,
      modelDir: model.dir,
      outDir,
      dtype: undefined,
      engine,
    });
    const result = {
      model: model.id,
      engine,
      device: load.device,
      loadMs: load.loadMs,
      tasks: trained.map(({ task, report: { losses: _losses, ...numbers } }) => ({ task, ...numbers })),
      switches: samples,
      merged: { ...written, ...parity! },
    };
    describe(result).forEach(context.print);
    return result;
  },
};

async function trainTask(
  context: Context,
  model: RegisteredModel,
  part: { file: string; name: string; task: string; engine: TrainReport['engine']; steps: number },
): Promise<Trained> {
  const { api, services, say } = context;
  const dataset = await api.datasets.add({ file: part.file, name: part.name });
  const check = await api.datasets.check({ file: part.file });
  const train = trainSettingsSchema.parse({ steps: part.steps, batch: 8, lr: 3e-3, schedule: 'cosine', warmup: 0.05 });
  const data = dataSpecSchema.pick({ lossOn: true, maxLength: true }).parse({});
  const run = await api.runs.start({
    modelId: model.id,
    datasetId: dataset.id,
    taskName: part.task,
    engine: part.engine,
    method: METHOD,
    train,
    data,
  });
  say(`Training ${part.task} …`);
  const report = await trainToEnd({ services, say, print: () => undefined }, run);
  return { task: part.task, report: { ...report, adapterId: report.adapterId! }, prompt: check.preview[0]!.prompt };
}

/** Each adapter on its own prompt, twice, so that both ways of the switch are measured in one resident worker. */
async function trySwitching({ playground }: Context['services'], trained: Trained[]) {
  const samples: { task: string; adapterId: string; switchMs: number; prompt: string; text: string }[] = [];
  for (const { task, report, prompt } of [...trained, ...trained]) {
    const { switchMs } = await playground.attach(report.adapterId);
    const { text } = await playground.generate({ prompt, maxNew: NEW_TOKENS, temperature: 0 }, () => undefined).promise;
    samples.push({ task, adapterId: report.adapterId, switchMs, prompt, text });
  }
  return samples;
}

function describe(result: {
  engine: string;
  device: string;
  tasks: (Omit<Trained['report'], 'losses'> & { task: string })[];
  switches: { task: string; switchMs: number; prompt: string; text: string }[];
  merged: { outDir: string; maxLogitDifference: number; equalGreedyShare: number };
}): string[] {
  const rows = result.tasks.map((t) => [
    t.task,
    t.adapterId,
    String(t.steps),
    loss(t.initialValLoss),
    loss(t.valLoss),
    `${t.tokensPerSecond.toFixed(0)}/s`,
  ]);
  const samples = result.switches
    .slice(0, result.tasks.length)
    .flatMap((s) => [`${s.task}: ${JSON.stringify(s.prompt)}`, `  -> ${JSON.stringify(s.text.trim())}`]);
  return [
    `Engine ${result.engine} (${result.device})`,
    ...table(['TASK', 'ADAPTER', 'STEPS', 'VAL BEFORE', 'VAL AFTER', 'TOKENS'], rows),
    `Switching adapters in the loaded model: ${result.switches.map((s) => `${s.switchMs.toFixed(1)} ms`).join(', ')}`,
    ...samples,
    `Merged ${result.tasks[0]?.task} into ${result.merged.outDir}: largest logit difference ` +
      `${result.merged.maxLogitDifference.toExponential(2)}, ` +
      `${(100 * result.merged.equalGreedyShare).toFixed(1)} % equal greedy tokens`,
  ];
}
