/** `lab sizes`: the smallest rank that is enough, for models of growing size (docs/lab.md). */
import fs from 'node:fs';
import path from 'node:path';
import { writeRandomModel } from '../../basemodel/randomModel.ts';
import { newId } from '../../app/ids.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';
import { smallestRank } from '../../lab/study/smallestRank.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { StudyView } from '../../app/studies/view.ts';
import { MODEL_OPTION, type Command, type Context } from './command.ts';
import { count, loss, table } from './format.ts';
import { followStudy } from './labStudy.ts';
import { modelDirOf } from './resolve.ts';
import { sizesFigure } from './sizesFigure.ts';
import { readRun, RUN_OPTIONS, trainToEnd } from './train.ts';

/** A rank is enough where its loss is at most so much above the lowest. */
const WITHIN = 0.01;
/** Rates of LoRA are too low for a model that knows nothing yet. */
const PRETRAINING = { steps: 300, lr: 3e-3 };

export const labSizes: Command = {
  name: 'lab sizes',
  positionals: [],
  summary: 'The smallest rank within 1 % of the best validation loss, for models of growing size, as a figure.',
  options: {
    ...RUN_OPTIONS,
    model: { ...MODEL_OPTION, multiple: true, help: 'folder of a base model, or its name or id; repeatable' },
    widths: {
      type: 'string',
      value: 'LIST',
      help: 'make models of these widths from the one model instead, random ones that learn from --pretrain',
    },
    pretrain: { type: 'string', value: 'FILE', help: 'dataset that models of --widths are trained on, all weights' },
    'pretrain-steps': { type: 'string', value: 'N', help: `steps of it (${PRETRAINING.steps})` },
    'pretrain-lr': { type: 'string', value: 'X', help: `its learning rate (${PRETRAINING.lr})` },
    ranks: { type: 'string', value: 'LIST', help: 'ranks to try (1,2,4,8,64, as far as they fit)' },
    seeds: { type: 'string', value: 'LIST', help: 'seeds of each rank (0,1,2)' },
    study: {
      type: 'string',
      multiple: true,
      value: 'STUDY',
      help: 'take a study of ranks that is there, and finish it, instead of starting one; repeatable',
    },
    out: { type: 'string', value: 'FILE', help: 'the figure, an SVG file' },
  },
  async run(context) {
    const { args, print, say } = context;
    const out = args.text('out');
    if (out !== undefined && !fs.existsSync(path.dirname(path.resolve(out))))
      throw usageError('BAD_USAGE', `--out ${out}: its folder does not exist; make it first, or choose another.`);
    const studies: StudyView[] = [];
    for (const start of await starts(context)) {
      const { id, name } = await start();
      say(`${name}: study ${id}; if this breaks off, name what is there with --study.`);
      studies.push(await followStudy(context, id));
    }
    const models = studies.map((study) => resultOf(context, study));
    const rows = models.map(({ name, parameters, rank, ranks }) => [
      name,
      count(parameters),
      rank === null ? 'none' : String(rank),
      ranks.map((one) => `${one.rank}: ${loss(one.loss)}`).join(', '),
    ]);
    for (const line of table(['MODEL', 'PARAMETERS', 'SMALLEST RANK', 'LOSS BY RANK'], rows)) print(line);
    if (out !== undefined) {
      const points = models.flatMap(({ rank, ...model }) => (rank === null ? [] : [{ ...model, rank }]));
      writeFileAtomic(path.resolve(out), sizesFigure(points, `Rank within ${100 * WITHIN} % of the best loss`));
      print(`Written to ${out}`);
    }
    return { within: WITHIN, models };
  },
};

/** One after the other, so that whatever is wrong with the options is said before anything is trained. */
async function starts(context: Context): Promise<(() => Promise<StudyView>)[]> {
  const { args, api } = context;
  const studies = args.texts('study');
  if (studies.length > 0)
    return (await ofRanks(context, studies)).map((id) => async () => {
      const study = await api.studies.get({ id });
      return study.state === 'done' ? study : api.studies.resume({ id });
    });
  const dirs = args.texts('model').map((text) => modelDirOf(context.services, text));
  const widths = args.ranges('widths', 'whole numbers, such as 32,64,96');
  if (widths ? dirs.length !== 1 : dirs.length < 2)
    throw usageError(
      'BAD_USAGE',
      widths
        ? '--widths makes models from one; give its --model once.'
        : '--model is needed twice or more, or once with --widths; give the folders of the base models.',
      { option: 'model' },
    );
  const ranks = args.ranges('ranks', 'whole numbers, such as 1,2,4,8');
  const plan = { kind: 'ranks' as const, ...(ranks ? { ranks } : {}) };
  const seeds = args.ranges('seeds', 'whole numbers, such as 0,1,2') ?? [0, 1, 2];
  const study = async (modelId: string, dir: string): Promise<StudyView> => {
    const base = { ...(await readRun(context, { modelDir: dir })), modelId };
    const name = `${base.taskName}: ranks of ${context.services.models.require(modelId).name}`.slice(0, 120);
    return api.studies.start({ base, plan, seeds, name, skipInvalid: true });
  };
  if (!widths) return dirs.map((dir) => async () => study((await api.models.add({ dir })).id, dir));
  const file = args.required('pretrain', 'the dataset that the models learn from first');
  return widths.map((width) => async () => {
    const { id, dir } = await pretrained(context, dirs[0]!, width, file);
    return study(id, dir);
  });
}

/** Throws a usage error for a study that compares something else, and for one that is named twice. */
async function ofRanks({ api }: Context, ids: string[]): Promise<string[]> {
  for (const [i, id] of ids.entries()) {
    if (ids.indexOf(id) < i) throw usageError('BAD_USAGE', `--study ${id} is there twice; name each study once.`);
    const { spec } = await api.studies.get({ id });
    if (spec.plan.kind !== 'ranks')
      throw usageError('BAD_USAGE', `The study ${id} does not compare ranks alone; name one of the plan ranks.`);
  }
  return ids;
}

/** A random model of that width, trained on all its weights; the result is a model of the catalogue. */
async function pretrained(context: Context, from: string, width: number, file: string) {
  const { args, api, services, say } = context;
  const dir = services.home.modelDir(newId('model'));
  await writeRandomModel(dir, from, { width, seed: args.integer('seed') ?? 0 });
  const random = await api.models.add({ dir, name: `Width ${width}, random` });
  const dataset = await api.datasets.add({ file });
  const base = await readRun(context, { modelDir: dir });
  const run = await api.runs.start({
    ...base,
    modelId: random.id,
    datasetId: dataset.id,
    taskName: `${base.taskName}: pretraining`,
    name: `Width ${width}`,
    method: { type: 'full' },
    train: {
      ...base.train,
      steps: args.integer('pretrain-steps') ?? PRETRAINING.steps,
      lr: args.number('pretrain-lr') ?? PRETRAINING.lr,
    },
  });
  say(`Width ${width}: pretraining`);
  const { adapterDir } = await trainToEnd({ services, say, print: say }, run);
  return api.models.add({ dir: adapterDir, name: `Width ${width}` });
}

function resultOf({ services }: Context, study: StudyView) {
  const { runId } = study.variants[0]!.runs[0]!;
  const model = services.models.require(services.runs.require(runId).modelId ?? '');
  const seeds = study.spec.seeds.length;
  const ranks = study.variants.flatMap(({ method, loss: spread }) =>
    'rank' in method && spread?.n === seeds ? [{ rank: method.rank, loss: spread.mean }] : [],
  );
  const { name, parameters, hidden } = model;
  return { name, parameters, width: hidden, studyId: study.id, ranks, rank: smallestRank(ranks, WITHIN)?.rank ?? null };
}
