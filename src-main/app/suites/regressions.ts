/** Whether an adapter does worse than the one that it would replace, by the suites that both were measured by. */
import type { Catalog } from '../../catalog/catalog.ts';
import { SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import type { ScoreDifference, SuiteComparison } from '../../../src-shared/suites.ts';

/** Suites by which both have been measured; the newest first. */
export function sharedSuites({ suites }: Catalog, subjectIds: readonly [string, string]): string[] {
  return suites.list().flatMap(({ id }) => {
    const measured = new Set(suites.results(id).map(({ subjectId }) => subjectId));
    return subjectIds.every((subjectId) => measured.has(subjectId)) ? [id] : [];
  });
}

/** A sentence where the second subject is worse, sure to 95 %; undefined where it is not. */
export function regressionOf({ suite, subjects, metrics }: SuiteComparison): string | undefined {
  const [first, second] = subjects;
  const worse = metrics.flatMap((metric) => {
    const difference = second?.differences?.[metric];
    return difference && isWorse(metric, difference) ? [changeText(metric, difference)] : [];
  });
  if (!first || !second || worse.length === 0) return undefined;
  return `${second.name} is worse than ${first.name} on the suite ${suite.name}: ${worse.join('; ')}.`;
}

function isWorse(metric: SuiteMetric, { low, high }: ScoreDifference): boolean {
  if (low === null || high === null) return false;
  return SUITE_METRICS[metric].unit === 'loss' ? low > 0 : high < 0;
}

/** `BLEU -4.1 (-7.0 to -1.0)`. */
function changeText(metric: SuiteMetric, { value, low, high }: ScoreDifference): string {
  const { label, unit } = SUITE_METRICS[metric];
  const text = (number: number): string => `${number > 0 ? '+' : ''}${number.toFixed(unit === 'loss' ? 4 : 1)}`;
  return `${label} ${text(value)} (${text(low!)} to ${text(high!)})`;
}
