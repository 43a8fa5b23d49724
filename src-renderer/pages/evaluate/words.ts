/** What the numbers of a suite say in words, the same wherever they are shown. */
import type { ComparedSubject, SuiteView } from '../../lib/api.ts';
import { formatCount, formatLoss, formatPoints } from '../../lib/format.ts';
import { counted } from '../../../src-shared/plural.ts';
import { SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';

type Difference = NonNullable<NonNullable<ComparedSubject['differences']>[SuiteMetric]>;

/** Points with one digit after the point, a loss with four. */
export function scoreText(metric: SuiteMetric, score: number | undefined): string {
  if (score === undefined) return '–';
  return SUITE_METRICS[metric].unit === 'loss' ? formatLoss(score) : formatPoints(score);
}

function signed(metric: SuiteMetric, value: number): string {
  return `${value < 0 ? '−' : '+'}${scoreText(metric, Math.abs(value))}`;
}

/** `+4.1` */
export function changeText(metric: SuiteMetric, { value }: Difference): string {
  return signed(metric, value);
}

/** `+1.0 to +7.2`; empty without an interval. */
export function intervalText(metric: SuiteMetric, { low, high }: Difference): string {
  return low === null || high === null ? '' : `${signed(metric, low)} to ${signed(metric, high)}`;
}

export type Verdict = 'better' | 'worse' | 'undecided';

/** Whether the 95 % interval leaves zero on one side. */
export function verdictOf(metric: SuiteMetric, { low, high }: Difference): Verdict {
  if (low === null || high === null || (low <= 0 && high >= 0)) return 'undecided';
  const isHigher = low > 0;
  return isHigher === (SUITE_METRICS[metric].unit === 'points') ? 'better' : 'worse';
}

// @wc-include
export const VERDICTS: Record<Verdict, string> = { better: 'better', worse: 'worse', undecided: 'undecided' };
export const TONES = { better: 'good', worse: 'bad', undecided: 'info' } as const;

/** `20 won, 3 tied, 1 lost` */
export function rowsText({ wins, ties, losses, winRate }: Difference): string {
  const rows = `${formatCount(wins)} won, ${formatCount(ties)} tied, ${formatCount(losses)} lost`;
  return winRate ? `${rows} (${percent(winRate.value)}, ${percent(winRate.low)} to ${percent(winRate.high)})` : rows;
}

/** What a suite asks, in a line. */
export function suiteText({ spec }: SuiteView): string {
  const of = counted(spec.questions, ['question', 'questions']);
  return spec.general
    ? `${of} of ${spec.datasetName}; general loss on ${counted(spec.general.rows, ['row', 'rows'])} of ` +
        `${spec.general.datasetName}`
    : `${of} of ${spec.datasetName}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
