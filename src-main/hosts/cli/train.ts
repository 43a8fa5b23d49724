/** `train`: registers what it needs, runs the training and waits for its end. */
import { counted } from '../../../src-shared/plural.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../../../src-shared/settings/data.ts';
import { LOCAL_TARGET } from '../../../src-shared/remoteTargets.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';
import { endNote } from '../../../src-shared/endNote.ts';
import { VERDICTS } from '../../../src-shared/verdict.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { StartRun } from '../../app/runs/input.ts';
import { isOver, type RunView } from '../../app/runs/view.ts';
import type { Options } from './args.ts';
import { COMPUTE_OPTIONS, MODEL_OPTION } from './command.ts';
import type { Command, Context } from './command.ts';
import { bytes, count, loss } from './format.ts';
import { fitRun } from './fit.ts';
import { METHOD_OPTIONS, readMethod } from './methodOptions.ts';
import { OBJECTIVE_OPTIONS, readObjective } from './objectiveOptions.ts';
import { reportPreflight } from './preflight.ts';
import { adapterOf, modelDirOf } from './resolve.ts';
import { optionsOf, readSettings } from './settingOptions.ts';
import { readStartTime } from './startTime.ts';
import { sayProgress } from './trainProgress.ts';

/** What describes a run. */
export const RUN_OPTIONS: Options = {
  model: MODEL_OPTION,
  data: { type: 'string', value: 'FILE', help: 'dataset file' },
  task: { type: 'string', value: 'NAME', help: 'what the adapter is for; made when there is none' },
  name: {
    type: 'string',
    value: 'NAME',
    help: 'name of the run and the adapter (the task, and what sets the run apart)',
  },
  ...optionsOf(FILE_SETTINGS),
  'allow-bad-rows': { type: 'boolean', help: 'go on without the rows that cannot be used' },
  ...METHOD_OPTIONS,
  from: { type: 'string', value: 'ADAPTER', help: 'begin with the values of this adapter, and with its settings' },
  ...OBJECTIVE_OPTIONS,
  ...optionsOf(TRAIN_SETTINGS),
  ...optionsOf(DATA_SETTINGS),
  ...COMPUTE_OPTIONS,
};

/** Of `train` and `lab study`. */
export const ON_OPTION = {
  type: 'string',
  value: 'TARGET',
  help: 'train it on another machine, one of "targets list" (local: this one)',
} as const;

export const train: Command = {
  name: 'train',
  positionals: [],
  summary: 'Trains an adapter for a task and waits for it.',
  options: {
    ...RUN_OPTIONS,
    on: ON_OPTION,
    preflight: {
      type: 'boolean',
      help: 'do not train: take one step on the longest batch and say what fits into memory',
    },
    fit: {
      type: 'boolean',
      help: 'choose form of the base, batch, recomputation and length so that it fits, and say what that costs',
    },
    'not-before': {
      type: 'string',
      value: 'TIME',
      help: 'wait until then before the training begins: 22:30, or 2026-12-01T22:30',
    },
    resume: {
      type: 'string',
      value: 'RUN',
      help: 'go on with a failed or stopped run from its checkpoint, or follow one again that is under way on a target',
    },
    further: { type: 'string', value: 'RUN', help: 'train a completed run --steps further, as a new run' },
  },
  async run(context) {
    const { args, api, services } = context;
    const [resumed, further] = [args.text('resume'), args.text('further')];
    if (resumed !== undefined) {
      refuseOthers(args, 'resume', []);
      // One that is under way on a target is followed again.
      if (services.away.isFollowed(resumed)) {
        services.away.begin();
        return trainToEnd(context, services.runs.require(resumed));
      }
      return trainToEnd(context, await api.runs.resume({ id: resumed }));
    }
    if (further !== undefined) {
      refuseOthers(args, 'further', ['steps']);
      const steps = readSettings(args, TRAIN_SETTINGS)['steps'];
      if (typeof steps !== 'number')
        throw usageError('BAD_USAGE', 'Say with --steps by how many steps the run is trained further.');
      return trainToEnd(context, await api.runs.extend({ id: further, steps }));
    }
    const target = readTarget(args);
    const run = await readFittedRun(context);
    if (args.flag('preflight')) return reportPreflight(context, await services.runs.preflight(run));
    return trainToEnd(context, await api.runs.start({ ...run, target, notBefore: readStartTime(args) }));
  },
};

/** What measures this machine says nothing of another. Throws a usage error BAD_USAGE. */
function readTarget(args: Context['args']): string | undefined {
  const target = args.text('on');
  const local = (['preflight', 'fit'] as const).find((name) => args.flag(name));
  if (target !== undefined && target !== LOCAL_TARGET && local)
    throw usageError('BAD_USAGE', `--${local} looks at this machine, not at ${target}; leave one of the two out.`, {
      option: local,
    });
  return target;
}

/** A run that goes on keeps its settings. */
function refuseOthers(args: Context['args'], given: string, allowed: readonly string[]): void {
  const strange = Object.keys(args.raw).find((name) => ![given, 'json', ...allowed].includes(name));
  if (strange === undefined) return;
  throw usageError('BAD_USAGE', `--${strange} means nothing beside --${given}; the run keeps its settings.`, {
    option: strange,
  });
}

/** With `--fit`, the settings that fit this machine; says them. */
async function readFittedRun(context: Context): Promise<StartRun> {
  const run = await readRun(context);
  return context.args.flag('fit') ? fitRun(context, run) : run;
}

interface Given {
  /** Where the options name none. */
  task?: string;
  /** Instead of `--model`. */
  modelDir?: string;
}

/** The run that the options describe, its model and dataset registered. */
export async function readRun(context: Context, given: Given = {}): Promise<StartRun> {
  const { api, args, services } = context;
  const modelText = given.modelDir ?? args.required('model', 'the folder of the base model');
  const taskName = args.text('task') ?? given.task ?? args.required('task', 'a name for what the adapter is for');
  const file = args.required('data', 'a dataset file');
  const asked = {
    ...readSettings(args, COMPUTE_SETTINGS),
    method: readMethod(args),
    startsFrom: readStart(context),
    objective: readObjective(args),
    train: readSettings(args, TRAIN_SETTINGS),
    data: readSettings(args, DATA_SETTINGS),
  };
  const reading = readSettings(args, FILE_SETTINGS);
  const model = await api.models.add({ dir: modelDirOf(services, modelText) });
  const dataset = await api.datasets.add({ file, ...reading, allowBadRows: args.flag('allow-bad-rows') });
  return { modelId: model.id, datasetId: dataset.id, taskName, name: args.text('name'), ...asked };
}

/** The id of the adapter that `--from` names. Throws ADAPTER_NOT_FOUND, BAD_USAGE beside options of a method. */
function readStart({ args, services }: Context): string | undefined {
  const text = args.text('from');
  if (text === undefined) return undefined;
  const strange = Object.keys(METHOD_OPTIONS).find((name) => args.raw[name] !== undefined);
  if (strange !== undefined)
    throw usageError('BAD_USAGE', `--${strange} means nothing beside --from; the run keeps the adapter's settings.`, {
      option: strange,
    });
  const { id, dir } = adapterOf(services, text);
  if (id !== null) return id;
  throw usageError(
    'ADAPTER_NOT_FOUND',
    `${dir} is not in the catalogue; bring it in first: adapters import "${text}".`,
    {
      adapter: text,
    },
  );
}

/** Follows a started run; returns the result of the command. Throws the error of a failed run. */
export async function trainToEnd(
  { services, print, say, onInterrupt }: Pick<Context, 'services' | 'print' | 'say' | 'onInterrupt'>,
  run: RunView,
): Promise<TrainReport> {
  say(`Run ${run.id}`);
  if (run.notBefore !== null && run.status === 'queued') say(`Starts at ${new Date(run.notBefore).toString()}`);
  const tell = sayProgress(say, run.started?.totalSteps);
  tell({ type: 'status', run });
  const unsubscribe = services.runs.subscribe(run.id, tell);
  onInterrupt?.(() => {
    const left = leftSentence(services.runs.require(run.id));
    if (left !== null) say(left);
  });
  const ended = await services.runs.finished(run.id);
  unsubscribe();
  if (ended.error)
    throw GraftError.fromData({
      ...ended.error,
      details: { ...ended.error.details, runId: run.id, resumable: ended.resumable },
    });
  const report = reportOf(services, ended);
  print(
    `${report.adapterId ?? report.adapterDir}: ${counted(report.steps, 'step')} on ${report.engine}, loss ` +
      `${loss(report.firstLoss)} -> ${loss(report.finalLoss)}, validation ${loss(report.initialValLoss)} -> ` +
      `${loss(report.valLoss)}`,
  );
  print(
    `${count(report.trainableParameters)} of ${counted(report.totalParameters, 'parameter')} trained, ` +
      `${report.tokensPerSecond.toFixed(0)} tokens/s, peak memory ${bytes(report.peakMemoryBytes)}`,
  );
  print(`Written to ${report.adapterDir}`);
  const verdict = services.runHistory.verdict(ended.id);
  const note = verdict ? `${VERDICTS[verdict.kind]} ${verdict.seen}` : ended.result && endNote(ended.result);
  if (note) print(note);
  return report;
}

/** What becomes of a run on a target that nobody waits for any more; null for one that ends with this process. */
function leftSentence(run: RunView): string | null {
  const { id, away } = run;
  if (!away || isOver(run)) return null;
  const next = away.phase === 'sending' ? 'is not there yet and is sent' : 'goes on there and is followed';
  return `The run ${id} on ${away.target} ${next} again with "train --resume ${id}", or once the app is open.`;
}

export type TrainReport = ReturnType<typeof reportOf>;

function reportOf({ catalog }: Context['services'], run: RunView) {
  // A run that is over without an error has its result: recordResult writes both at once, a queued run that was stopped
  // has none.
  if (!run.result)
    throw new GraftError('RUN_STOPPED', `The run ${run.id} was stopped before it began.`, { runId: run.id });
  const { outDir, outcome, sha256, sizeBytes, ...numbers } = run.result;
  return {
    runId: run.id,
    adapterId: catalog.adapters.list().find((adapter) => adapter.dir === outDir)?.id ?? null,
    adapterDir: outDir,
    baseDtype: run.spec.baseDtype ?? 'f32',
    embeddingDtype: run.spec.embeddingDtype ?? 'f32',
    outcome,
    sha256,
    sizeBytes,
    ...numbers,
    losses: catalog.metrics.after(run.id, 0).map((metrics) => metrics.loss),
  };
}
