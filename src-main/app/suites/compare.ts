/** Stored results of a suite beside each other: differences with their intervals, and the rows that changed most. */
import type { SuiteContent, SuiteResult } from '../../catalog/suites.ts';
import { inSlices } from '../../datasets/timeSlice.ts';
import { bootstrapSteps, scoreOfAll, statisticsOf } from '../../evaluation/bootstrap.ts';
import { measureOf } from '../../evaluation/measures.ts';
import { winRate } from '../../evaluation/winRate.ts';
import { confusionOf, labelIndex } from '../../evaluation/metrics/labels.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import type {
  ComparedSubject,
  Confusion,
  DifferingRow,
  ScoreDifference,
  Suite,
  SuiteComparison,
  SuiteSpec,
  SuiteStatistics,
} from '../../../src-shared/suites.ts';

export interface CompareOptions {
  rowMetric?: SuiteMetric | undefined;
  clean: boolean;
  mostRows: number;
}

/** Of a score of a row; less is rounding, as two orders of a sum have it. */
const SAME_POINTS = 1e-9;
const SAME_LOSS = 1e-4;

/** Metrics in which single answers differ, the one that says most of a row first. */
const ROW_METRICS: readonly SuiteMetric[] = [
  'tokenF1',
  'chrf',
  'jsonFields',
  'accuracy',
  'acc',
  'rougeL',
  'exactMatch',
];

/** The others are compared with the first of `results`. */
export async function compareResults(
  suite: Suite,
  { questions }: Pick<SuiteContent, 'questions'>,
  results: readonly SuiteResult[],
  { rowMetric: asked, clean, mostRows }: CompareOptions,
): Promise<SuiteComparison> {
  const { spec } = suite;
  const metrics = metricsOf(spec);
  const trainedOn = new Set(results.flatMap(overlapping));
  const kept = questions.flatMap((_, i) => (clean && trainedOn.has(i) ? [] : [i]));
  if (kept.length === 0)
    throw usageError(
      'SUITE_NOT_COMPARED',
      `Every question of ${suite.name} overlaps with what was trained on; compare with all of them, or make a suite ` +
        'of other rows.',
      { suiteId: suite.id },
    );
  const all = results.map((result) => keptStatistics(result.statistics, kept));
  const subjects: ComparedSubject[] = [];
  for (const [i, { answers: _a, statistics: _s, ...facts }] of results.entries()) {
    const scores: ComparedSubject['scores'] = {};
    const differences: NonNullable<ComparedSubject['differences']> = {};
    for (const metric of metrics) {
      const [own, first] = [all[i]![metric], all[0]![metric]];
      if (!own || own.length === 0) continue;
      scores[metric] = scoreOfAll(statisticsOf(own), measureOf(metric, spec).score);
      if (i > 0 && first?.length === own.length) differences[metric] = await differenceOf(metric, spec, first, own);
    }
    subjects.push({
      ...facts,
      scores,
      ...(i > 0 ? { differences } : {}),
      ...(spec.labels ? { confusion: confusionIn(spec.labels, questions, results[i]!, kept) } : {}),
    });
  }
  const rowMetric = asked !== undefined && metrics.includes(asked) ? asked : usualRowMetric(metrics);
  const differing = differingRows(suite, { questions, results, kept, trainedOn }, rowMetric);
  return {
    suite,
    metrics,
    subjects,
    rowMetric,
    rows: differing.slice(0, mostRows),
    differing: differing.length,
    warnings: warningsOf(questions.length, results, questions.length - kept.length),
  };
}

/** Scores of one result by itself. */
export function scoresOf(spec: SuiteSpec, statistics: SuiteStatistics): ComparedSubject['scores'] {
  const known = metricsOf(spec).flatMap((metric) => {
    const rows = statistics[metric];
    return rows && rows.length > 0 ? [[metric, scoreOfAll(statisticsOf(rows), measureOf(metric, spec).score)]] : [];
  });
  return Object.fromEntries(known) as ComparedSubject['scores'];
}

function confusionIn(
  labels: string[],
  questions: SuiteContent['questions'],
  { answers }: SuiteResult,
  kept: readonly number[],
): Confusion {
  const pairs = kept.map((number) => ({
    predicted: labelIndex(answers[number]!.text, labels),
    actual: labelIndex(questions[number]!.references[0] ?? '', labels),
  }));
  return confusionOf(labels, pairs);
}

function metricsOf({ metrics, general }: SuiteSpec): SuiteMetric[] {
  return general ? [...metrics, 'generalLoss'] : metrics;
}

function usualRowMetric(metrics: readonly SuiteMetric[]): SuiteMetric {
  return ROW_METRICS.find((metric) => metrics.includes(metric)) ?? metrics[0]!;
}

function overlapping({ contamination }: SuiteResult): number[] {
  if (!contamination || 'unknown' in contamination) return [];
  return [...contamination.exact, ...contamination.prompt, ...contamination.ngram];
}

/** The general set has rows of its own, which nobody leaves out. */
function keptStatistics(statistics: SuiteStatistics, kept: readonly number[]): SuiteStatistics {
  const entries = Object.entries(statistics) as [SuiteMetric, number[][]][];
  return Object.fromEntries(
    entries.map(([metric, rows]) => [metric, metric === 'generalLoss' ? rows : kept.map((i) => rows[i]!)]),
  );
}

async function differenceOf(
  metric: SuiteMetric,
  spec: SuiteSpec,
  first: readonly number[][],
  own: readonly number[][],
): Promise<ScoreDifference> {
  const measure = measureOf(metric, spec);
  const difference = await inSlices(bootstrapSteps(statisticsOf(first), statisticsOf(own), measure.score));
  let [wins, losses] = [0, 0];
  for (const [i, statistics] of own.entries()) {
    const gain = gainOf(metric, measure.ofRow(statistics), measure.ofRow(first[i]!));
    if (gain > 0) wins++;
    else if (gain < 0) losses++;
  }
  return { ...difference, wins, losses, ties: own.length - wins - losses, winRate: winRate(wins, losses) };
}

/** How much better `own` is than `first`; 0 where they are as good. */
function gainOf(metric: SuiteMetric, own: number, first: number): number {
  const isLoss = SUITE_METRICS[metric].unit === 'loss';
  const gain = isLoss ? first - own : own - first;
  return Math.abs(gain) <= (isLoss ? SAME_LOSS : SAME_POINTS) ? 0 : gain;
}

interface Compared {
  questions: SuiteContent['questions'];
  results: readonly SuiteResult[];
  kept: readonly number[];
  trainedOn: ReadonlySet<number>;
}

function differingRows(suite: Suite, compared: Compared, metric: SuiteMetric): DifferingRow[] {
  const { questions, results, kept, trainedOn } = compared;
  if (metric === 'generalLoss') return [];
  const measure = measureOf(metric, suite.spec);
  const rows = kept.flatMap((number) => {
    const scores = results.map(({ statistics }) => measure.ofRow(statistics[metric]?.[number] ?? []));
    const change = Math.max(0, ...scores.map((score) => Math.abs(gainOf(metric, score, scores[0]!))));
    const answers = results.map((result) => result.answers[number]!);
    const isSame = change === 0 && answers.every(({ text }) => text.trim() === answers[0]!.text.trim());
    if (isSame || results.length < 2) return [];
    const { prompt, references } = questions[number]!;
    return [{ change, row: { number, prompt, references, answers, scores, contaminated: trainedOn.has(number) } }];
  });
  return rows.sort((a, b) => b.change - a.change).map(({ row }) => row);
}

/** In sentences: what keeps the numbers from meaning what they seem to. */
function warningsOf(questions: number, results: readonly SuiteResult[], leftOut: number): string[] {
  const warnings = results.flatMap(({ name, contamination, problems }) => {
    const own: string[] = [];
    if (contamination && 'unknown' in contamination)
      own.push(`Whether ${name} was trained on these questions is not known: ${contamination.unknown}.`);
    else if (contamination) {
      const { exact, prompt, ngram } = contamination;
      const found = exact.length + prompt.length + ngram.length;
      if (found > 0 && leftOut === 0)
        own.push(
          `${found} of ${counted(questions, 'question')} overlap with what ${name} was trained on (${exact.length} ` +
            `the same row, ${prompt.length} the same prompt, ${ngram.length} by 13 words in a row): its scores may ` +
            'tell what it remembers, not what it has learnt.',
        );
    }
    if (problems > 0) own.push(`${name} could not be asked ${counted(problems, 'question')}, which count as wrong.`);
    return own;
  });
  if (leftOut > 0)
    warnings.push(`${leftOut} of ${counted(questions, 'question')} left out: they overlap with training rows.`);
  const asked = new Set(results.map(({ askedAs }) => askedAs));
  if (asked.size > 1)
    warnings.push(
      'The subjects were asked under different prompt templates, each adapter as it was trained: part of a ' +
        'difference may be the template.',
    );
  return warnings;
}
