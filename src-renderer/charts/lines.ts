/** Which lines the charts of a run have. */
import { formatBytes, formatCount, formatSmall } from '../lib/format.ts';
import type { ChartLine } from './line.ts';
import type { Metric, SeriesStore } from './seriesStore.ts';
import type { StepPlaces, XAxis } from './xAxis.ts';

/** Colour tokens of the runs drawn beside, in order; a sixth begins again. */
const COMPARE_COLOURS = ['--chart-compare-1', '--chart-compare-2', '--chart-compare-3', '--chart-compare-4'];

/** Of a chart of losses, by its x axis. */
export const LOSS_TITLES: Record<XAxis, string> = {
  step: 'Loss by step',
  tokens: 'Loss by tokens',
  epochs: 'Loss by epoch',
  time: 'Loss by wall-clock time',
};

/** Train loss raw and smoothed, validation losses and spikes of one run, then the smoothed losses of others. */
export function lossLines(
  store: SeriesStore,
  others: readonly { name: string; store: SeriesStore; places: StepPlaces }[],
  places: StepPlaces,
): ChartLine[] {
  const { columns, smoothed, evaluations, spikes } = store;
  const trained = places.trained;
  const lines: ChartLine[] = [
    { label: 'Train', colour: '--chart-raw', look: 'raw', steps: trained, values: columns.loss.values },
    { label: 'Train, smoothed', colour: '--chart-smooth', look: 'smooth', steps: trained, values: smoothed.values },
  ];
  if (evaluations.step.length > 0)
    lines.push({
      label: 'Validation',
      colour: '--chart-validation',
      look: 'dashed',
      steps: places.of(evaluations.step.values),
      values: evaluations.valLoss.values,
    });
  others.forEach((other, i) =>
    lines.push({
      label: `${other.name}, smoothed`,
      colour: COMPARE_COLOURS[i % COMPARE_COLOURS.length] ?? '',
      look: 'smooth',
      steps: other.places.trained,
      values: other.store.smoothed.values,
    }),
  );
  if (spikes.length > 0)
    lines.push({
      label: 'Spikes',
      colour: '--danger',
      look: 'ringed',
      steps: places.of(Float64Array.from(spikes, (spike) => spike.step)),
      values: Float64Array.from(spikes, (spike) => spike.loss),
    });
  return lines;
}

export function metricLine(store: SeriesStore, metric: Metric, label: string, places: StepPlaces): ChartLine[] {
  return [
    { label, colour: '--chart-smooth', look: 'raw', steps: places.trained, values: store.columns[metric].values },
  ];
}

/** The small charts below the loss. */
export const SMALL_CHARTS: readonly { metric: Metric; title: string; format: (value: number) => string }[] = [
  { metric: 'lr', title: 'Learning rate', format: formatSmall },
  { metric: 'gradNorm', title: 'Gradient norm', format: formatSmall },
  { metric: 'tokensPerSecond', title: 'Tokens per second', format: formatCount },
  { metric: 'memoryBytes', title: 'Memory', format: formatBytes },
];
