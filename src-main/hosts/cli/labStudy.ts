/** `lab study`: one run in several variants and seeds, compared (docs/lab.md). */
import { differenceText } from '../../lab/study/verdict.ts';
import type { StudyView } from '../../app/studies/view.ts';
import { counted } from '../../../src-shared/plural.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { MethodSettings } from '../../../src-shared/methods/registry.ts';
import { variableSettings, type StudyPlan } from '../../../src-shared/studies.ts';
import { Args, bad } from './args.ts';
import type { Command, Context } from './command.ts';
import { count, loss, table } from './format.ts';
import { givenSettings } from './settingOptions.ts';
import { ON_OPTION, readRun, RUN_OPTIONS } from './train.ts';

const PLANS = ['targets', 'ranks', 'grid'] as const;
const SAY_MS = 5000;

export const labStudy: Command = {
  name: 'lab study',
  positionals: [],
  summary: 'Trains variants of a run with several seeds and says which is best, and by how much.',
  options: {
    plan: {
      type: 'string',
      value: 'NAME',
      help:
        'targets: as many parameters on other matrices; ranks: several ranks; grid: values of settings (grid with ' +
        '--vary)',
    },
    seeds: { type: 'string', value: 'LIST', help: 'seeds of each variant (0,1,2)' },
    budget: { type: 'string', value: 'N', help: 'with targets: parameters to train (as many as the options would)' },
    ranks: { type: 'string', value: 'LIST', help: 'with ranks: the ranks (1,2,4,8,64, as far as they fit)' },
    vary: {
      type: 'string',
      multiple: true,
      value: 'OPTION=A,B',
      help: 'with grid: values of an option, with semicolons where they hold commas (targets=q,v;q,k,v,o); repeatable',
    },
    halving: { type: 'boolean', help: 'end the worse half of the variants after a quarter and half of the steps' },
    'skip-invalid': { type: 'boolean', help: 'leave out variants that the model does not take' },
    baseline: { type: 'string', value: 'N', help: 'compare with the N-th variant of the table instead of the best' },
    resume: { type: 'string', value: 'STUDY', help: 'go on with a study that broke off, or show one that is done' },
    on: ON_OPTION,
    ...RUN_OPTIONS,
  },
  async run(context) {
    const { args, api, say } = context;
    const resumed = args.text('resume');
    const baseline = args.integer('baseline');
    if (baseline !== undefined && baseline < 1)
      throw bad('baseline', String(baseline), 'a row of the table, from 1 on');
    const started = resumed === undefined ? await start(context, baseline) : await resume(context, resumed);
    for (const note of started.spec.notes) say(note);
    if (started.state === 'under way')
      say(`Study ${started.id}, ${counted(started.total, 'run')}; if it breaks off, --resume ${started.id} goes on.`);
    const done = await followStudy(context, started.id);
    const study = baseline === undefined ? done : await api.studies.get({ id: done.id, baseline: baseline - 1 });
    report(context, study);
    return study;
  },
};

/** What is checked before anything is trained. */
async function start(context: Context, baseline = 1): Promise<StudyView> {
  const input = await request(context);
  const { variants } = await context.api.studies.preview(input);
  if (baseline > variants.length)
    throw usageError('BAD_USAGE', `--baseline is ${baseline}, but there are ${variants.length} variants.`);
  return context.api.studies.start(input);
}

/** The study itself where nothing of it is left to do. Refuses options that describe another one. */
async function resume({ api, args }: Context, id: string): Promise<StudyView> {
  const strange = Object.keys(args.raw).find((name) => !['resume', 'baseline', 'json'].includes(name));
  if (strange)
    throw usageError('BAD_USAGE', `--${strange} means nothing beside --resume; the study keeps its own settings.`, {
      option: strange,
    });
  const study = await api.studies.get({ id });
  return study.state === 'done' && study.variants.every(({ runs }) => runs.every(isDone))
    ? study
    : api.studies.resume({ id });
}

function isDone({ status, prunedStep }: StudyView['variants'][number]['runs'][number]): boolean {
  return status === 'completed' || prunedStep !== null;
}

async function request(context: Context) {
  const { args, api, say } = context;
  const base = await readRun(context);
  const input = {
    base,
    plan: studyPlan(args, base.method as MethodSettings),
    seeds: args.ranges('seeds', 'whole numbers, such as 0,1,2') ?? [0, 1, 2],
    halving: args.flag('halving'),
    skipInvalid: args.flag('skip-invalid'),
    name: args.text('name'),
    target: args.text('on'),
  };
  if (input.skipInvalid)
    for (const { label, problem } of (await api.studies.preview(input)).invalid) say(`Left out: ${label}: ${problem}`);
  return input;
}

/** Throws a usage error for options of another plan, and for values that the option itself would not take. */
export function studyPlan(args: Args, method: MethodSettings): StudyPlan {
  const vary = args.texts('vary');
  const kind = args.choice('plan', PLANS) ?? (vary.length > 0 ? 'grid' : undefined);
  if (kind === undefined)
    throw usageError('BAD_USAGE', `--plan is missing; give one of ${PLANS.join(', ')}.`, { option: 'plan' });
  const of = { budget: 'targets', ranks: 'ranks', vary: 'grid' } as const;
  const strange = Object.entries(of).find(([name, plan]) => args.raw[name] !== undefined && plan !== kind);
  if (strange)
    throw usageError('BAD_USAGE', `--${strange[0]} belongs to --plan ${strange[1]}; leave it out or choose that.`, {
      option: strange[0],
    });
  if (kind === 'targets') {
    const budget = args.integer('budget');
    return budget === undefined ? { kind } : { kind, budget };
  }
  if (kind === 'ranks') {
    const ranks = args.ranges('ranks', 'whole numbers, such as 1,2,4,8');
    return ranks === undefined ? { kind } : { kind, ranks };
  }
  const axes = vary.map((text) => axisOf(text, method));
  const twice = axes.find(([name], i) => axes.findIndex(([other]) => other === name) < i);
  if (twice)
    throw usageError('BAD_USAGE', `--vary names ${twice[0]} twice; give all of its values in one list.`, {
      option: 'vary',
    });
  return { kind, vary: Object.fromEntries(axes) };
}

/** `lr=1e-3,3e-3` as the setting's name and its values. */
function axisOf(text: string, { type }: MethodSettings): [string, unknown[]] {
  const at = text.indexOf('=');
  const [flag, values] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || values === '') throw bad('vary', text, 'an option and its values, such as lr=1e-3,3e-3');
  const found = Object.entries(variableSettings(type)).find(([, setting]) => setting.flag === flag);
  // The study says why a setting cannot be varied, and which can.
  if (!found) return [flag, [values]];
  const [name, setting] = found;
  const parts = values.split(values.includes(';') ? ';' : ',').map((value) => value.trim());
  return [name, parts.map((value) => valueOf(flag, name, setting, value))];
}

type Setting = ReturnType<typeof variableSettings>[string];

/** As the option itself would read it; `on` and `off` for a switch. */
function valueOf(flag: string, name: string, setting: Setting, value: string): unknown {
  const raw = value === 'on' ? true : value === 'off' ? false : setting.repeatable ? [value] : value;
  return givenSettings(new Args({ [flag]: raw }, []), { [name]: setting })[name];
}

/** Says how far the study is until it is over. */
export async function followStudy({ services, say, onInterrupt }: Context, id: string): Promise<StudyView> {
  let saidMs = 0;
  let over = -1;
  const end = services.runs.subscribeAll((event) => {
    if (event.type === 'progress') {
      if (Date.now() - saidMs < SAY_MS) return;
      saidMs = Date.now();
    } else if (event.type !== 'run') return;
    const study = services.studies.get(id);
    if (event.type === 'run' && study.done === over) return;
    over = study.done;
    say(progressLine(study, event.type === 'progress' ? event : null));
  });
  onInterrupt?.(() => {
    const { runs } = services.catalog.studies;
    if (runs(id).some(({ runId }) => services.away.isFollowed(runId)))
      say(`Its runs go on there; follow them again with "lab study --resume ${id}", or once the app is open.`);
  });
  try {
    return await services.studies.finished(id);
  } finally {
    end();
  }
}

function progressLine(study: StudyView, at: { id: string; step: number; totalSteps: number } | null): string {
  const current = at && study.variants.find(({ runs }) => runs.some(({ runId }) => runId === at.id));
  const seed = current?.runs.find(({ runId }) => runId === at?.id)?.seed;
  const where = current ? `; ${current.label}, seed ${seed}: step ${at.step}/${at.totalSteps}` : '';
  const left = study.msLeft ? `, ${Math.ceil(study.msLeft / 1000)} s left` : '';
  return `${study.done} of ${counted(study.total, 'run')} done${where}${left}`;
}

function report({ print }: Context, study: StudyView): void {
  const rows = study.variants.map(({ label, parameters, loss: spread, difference, relation, runs }, i) => [
    String(i + 1),
    label,
    count(parameters),
    spread ? loss(spread.mean) : 'none',
    spread && spread.sd !== null ? loss(spread.sd) : '',
    difference ? differenceText(difference) : '',
    relation ?? incomplete(runs),
  ]);
  const header = ['', 'VARIANT', 'PARAMETERS', 'LOSS', 'SD', 'DIFFERENCE', ''];
  for (const line of table(header, rows)) print(line);
  const reference = study.reference === null ? null : study.variants[study.reference];
  if (reference)
    print(
      `Loss: mean over seeds of each run's lowest validation loss; difference to ${reference.label}, paired by seed, ` +
        'with the 95 % confidence interval.',
    );
  for (const { label, runs } of study.variants)
    for (const { seed, problem } of runs) if (problem) print(`${label}, seed ${seed}: ${problem}`);
  if (study.verdict) print(study.verdict);
}

function incomplete(runs: StudyView['variants'][number]['runs']): string {
  const pruned = runs.find(({ prunedStep }) => prunedStep !== null)?.prunedStep;
  if (pruned) return `pruned after step ${pruned}`;
  const well = runs.filter(({ status }) => status === 'completed').length;
  return well < runs.length ? `${well} of ${counted(runs.length, 'run')} ended well` : 'not compared';
}
