/** `eval --suite`: measures a base and adapters by a suite, and compares them. */
import { counted } from '../../../src-shared/plural.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { JudgeReport, JudgeSuite } from '../../../src-shared/judge.ts';
import { SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import { MOST_QUESTIONS } from '../../../src-shared/suites.ts';
import type { ComparedSubject, ScoreDifference, SuiteComparison, WinRate } from '../../../src-shared/suites.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import type { Context } from './command.ts';
import { table, timeSayer } from './format.ts';
import { modelIdOf } from './resolve.ts';
import { readSettings } from './settingOptions.ts';
import { scoreText } from './suites.ts';

/** Differing rows that are printed. */
const ROWS_SHOWN = 5;

/** Options that name another dataset than the suite's mean nothing beside it. */
const KNOWN = [
  ...['suite', 'adapter', 'base', 'model', 'clean', 'judge', 'rubric'],
  ...['engine', 'base-dtype', 'embedding-dtype', 'json', 'gpu'],
];

type Evaluated = SuiteComparison & { judged?: JudgeReport };

export async function evalSuite(context: Context, suiteText: string): Promise<Evaluated> {
  const { args, api, services, say } = context;
  const strange = Object.keys(args.raw).find((name) => !KNOWN.includes(name));
  if (strange !== undefined)
    throw usageError('BAD_USAGE', `--${strange} means nothing beside --suite, which keeps its own settings.`, {
      option: strange,
    });
  const suite = await api.suites.get({ id: suiteText });
  const model = args.text('model');
  const modelId = model === undefined ? undefined : modelIdOf(services, model);
  const adapterIds = args.texts('adapter');
  const withBase = args.flag('base') || adapterIds.length === 0;
  if (withBase && modelId === undefined && adapterIds.length === 0)
    throw usageError('BAD_USAGE', 'Name who is measured: --adapter, repeatable, or --model for a plain base.');
  const base = { adapterId: null, ...(modelId === undefined ? {} : { modelId }) };
  const subjects = [...(withBase ? [base] : []), ...adapterIds.map((adapterId) => ({ adapterId }))];
  const subjectIds = services.suites.subjectIds(subjects);
  const judge = readJudge(context, subjectIds);
  say(`Asking ${counted(subjectIds.length, 'subject')} ${counted(suite.spec.questions, 'question')} each …`);
  services.suites.run({ id: suite.id, subjects, ...readSettings(args, COMPUTE_SETTINGS) });
  const sayTime = timeSayer(say, 'measuring');
  for await (const event of services.suites.watch(suite.id))
    if (event.type === 'progress') sayTime(event.done / event.total);
  const compared = await api.suites.compare({
    id: suite.id,
    subjectIds,
    clean: args.flag('clean'),
    mostRows: context.json ? MOST_QUESTIONS : ROWS_SHOWN,
  });
  report(context, compared);
  if (!judge) return compared;
  const judged = await judgeToEnd(context, { id: suite.id, ...judge });
  reportJudge(context, judged, compared);
  return { ...compared, judged };
}

/** Throws a usage error BAD_USAGE where there are not two to choose between. */
function readJudge({ args, services }: Context, subjectIds: readonly string[]): Omit<JudgeSuite, 'id'> | undefined {
  const [model, rubric] = [args.text('judge'), args.text('rubric')];
  if (model === undefined && rubric !== undefined)
    throw usageError('BAD_USAGE', '--rubric is for a judge; name a model with --judge.');
  if (model === undefined) return undefined;
  const [first, second] = subjectIds;
  if (first === undefined || second === undefined)
    throw usageError('BAD_USAGE', 'A judge chooses between two; name another --adapter, or --base.');
  return { subjectIds: [first, second], judgeModelId: modelIdOf(services, model), ...(rubric ? { rubric } : {}) };
}

async function judgeToEnd({ services, say }: Context, asked: JudgeSuite): Promise<JudgeReport> {
  const { job } = services.suiteJudge.start(asked);
  const sayTime = timeSayer(say, 'judging');
  for await (const event of services.suiteJudge.watch(job)) {
    if (event.type === 'progress') sayTime(event.done / event.total);
    if (event.type === 'done') return event.result;
  }
  throw new GraftError('CANCELLED', 'The judge was cancelled.');
}

function reportJudge({ print }: Context, judged: JudgeReport, { subjects }: SuiteComparison): void {
  const { judge, trust, wins, losses, undecided, problems, winRate } = judged;
  print(`${judge} as judge. ${trust.text}`);
  const rate = winRate && ` (${rateText(winRate)})`;
  print(
    `It chooses ${subjects[1]!.name} on ${counted(wins, 'question')}${rate ?? ''}, ${subjects[0]!.name} on ` +
      `${losses}, and cannot decide ${undecided}${problems > 0 ? `; ${problems} could not be put to it` : ''}.`,
  );
}

/** `61 %, 95 % interval 52 % to 69 %`. */
function rateText({ value, low, high }: WinRate): string {
  return `${percent(value)}, 95 % interval ${percent(low)} to ${percent(high)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function report(
  { print }: Context,
  { metrics, subjects, rows, rowMetric, differing, warnings }: SuiteComparison,
): void {
  const lines = metrics.flatMap((metric) => subjects.map((subject, i) => lineOf(metric, subject, i === 0)));
  if (subjects.length === 1)
    table(
      ['METRIC', 'SCORE'],
      lines.map(([metric, , score]) => [metric!, score!]),
    ).forEach(print);
  else {
    table(['METRIC', 'OF', 'SCORE', 'DIFFERENCE', '95 % INTERVAL', 'WON/TIED/LOST', 'WIN RATE'], lines).forEach(print);
    print(`Differences to ${subjects[0]!.name} on the same questions; intervals by paired bootstrap.`);
  }
  warnings.forEach(print);
  if (differing === 0) return;
  print(`${counted(differing, 'question')} differ; by ${SUITE_METRICS[rowMetric].label} these changed most:`);
  for (const { prompt, references, answers, scores } of rows) {
    print(`  ${JSON.stringify(prompt)} -> ${JSON.stringify(references[0] ?? '')}`);
    for (const [i, { text, problem }] of answers.entries())
      print(`    ${subjects[i]!.name}: ${problem ?? JSON.stringify(text)} (${scoreText(rowMetric, scores[i])})`);
  }
}

/** `BLEU  describe  43.0  +42.3  +34.3 to +51.6  20/0/0`. */
function lineOf(metric: SuiteMetric, { name, scores, differences }: ComparedSubject, isFirst: boolean): string[] {
  const { label } = SUITE_METRICS[metric];
  return [
    isFirst ? label : '',
    name,
    scoreText(metric, scores[metric]),
    ...differenceCells(metric, differences?.[metric]),
  ];
}

function differenceCells(metric: SuiteMetric, difference: ScoreDifference | undefined): string[] {
  if (!difference) return ['', '', '', ''];
  const { value, low, high, wins, ties, losses, winRate } = difference;
  const signed = (number: number): string => `${number < 0 ? '-' : '+'}${scoreText(metric, Math.abs(number))}`;
  const interval = low === null || high === null ? '' : `${signed(low)} to ${signed(high)}`;
  return [signed(value), interval, `${wins}/${ties}/${losses}`, winRate ? rateText(winRate) : ''];
}
