/** Which lines the charts of a run have. */
import { formatBytes, formatCount, formatSmall } from '../lib/format.ts';
import type { ChartLine } from './line.ts';
import type { Metric, SeriesStore } from './seriesStore.ts';

/** Colour tokens of the runs drawn beside, in order; a sixth begins again. */
const COMPARE_COLOURS = ['--chart-compare-1', '--chart-compare-2', '--chart-compare-3', '--chart-compare-4'];

/** Train loss raw and smoothed, validation losses and spikes of one run, then the smoothed losses of others. */
export function lossLines(store: SeriesStore, others: readonly { name: string; store: SeriesStore }[]): ChartLine[] {
  const { step, columns, smoothed, evaluations, spikes } = store;
  const lines: ChartLine[] = [
    { label: 'Train', colour: '--chart-raw', look: 'raw', steps: step.values, values: columns.loss.values },
    { label: 'Train, smoothed', colour: '--chart-smooth', look: 'smooth', steps: step.values, values: smoothed.values },
  ];
  if (evaluations.step.length > 0)
    lines.push({
      label: 'Validation',
      colour: '--chart-validation',
      look: 'dashed',
      steps: evaluations.step.values,
      values: evaluations.valLoss.values,
    });
  others.forEach((other, i) =>
    lines.push({
      label: `${other.name}, smoothed`,
      colour: COMPARE_COLOURS[i % COMPARE_COLOURS.length] ?? '',
      look: 'smooth',
      steps: other.store.step.values,
      values: other.store.smoothed.values,
    }),
  );
  if (spikes.length > 0)
    lines.push({
      label: 'Spikes',
      colour: '--danger',
      look: 'ringed',
      steps: Float64Array.from(spikes, (spike) => spike.step),
      values: Float64Array.from(spikes, (spike) => spike.loss),
    });
  return lines;
}

export function metricLine(store: SeriesStore, metric: Metric, label: string): ChartLine[] {
  return [
    { label, colour: '--chart-smooth', look: 'raw', steps: store.step.values, values: store.columns[metric].values },
  ];
}

/** The small charts below the loss. */
export const SMALL_CHARTS: readonly { metric: Metric; title: string; format: (value: number) => string }[] = [
  { metric: 'lr', title: 'Learning rate', format: formatSmall },
  { metric: 'gradNorm', title: 'Gradient norm', format: formatSmall },
  { metric: 'tokensPerSecond', title: 'Tokens per second', format: formatCount },
  { metric: 'memoryBytes', title: 'Memory', format: formatBytes },
];
