/** The loss curves of adapters as lines of one chart. */
import type { AdapterView } from '../../lib/api.ts';
import type { ChartLine } from '../../charts/line.ts';
import type { SeriesStore } from '../../charts/seriesStore.ts';
import { formatDate } from '../../lib/format.ts';

/** One colour token per adapter, the same in table and graph; a seventh begins again. */
const COLOURS = [
  '--chart-smooth',
  '--chart-compare-1',
  '--chart-compare-2',
  '--chart-compare-3',
  '--chart-compare-4',
  '--chart-validation',
] as const;

export function compareColour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? COLOURS[0];
}

/** Distinct names: adapters that share one get their date, and a number where even the dates are equal. */
export function distinctNames(adapters: readonly { name: string; createdAt: string }[]): string[] {
  const dated = adapters.map(({ name, createdAt }) =>
    adapters.filter((other) => other.name === name).length > 1 ? `${name}, ${formatDate(createdAt)}` : name,
  );
  return dated.map((name, i) =>
    dated.indexOf(name) === dated.lastIndexOf(name)
      ? name
      : `${name} (${dated.slice(0, i + 1).filter((other) => other === name).length})`,
  );
}

export interface Curve {
  adapter: Pick<AdapterView, 'name' | 'createdAt'>;
  /** Losses of its run; empty where no run of this catalogue made it. */
  store: SeriesStore;
}

/** Smoothed train loss, as the run's own page shows it, and validation loss of each adapter that has a run. */
export function compareLines(curves: readonly Curve[]): ChartLine[] {
  const names = distinctNames(curves.map(({ adapter }) => adapter));
  return curves.flatMap(({ store: { step, smoothed, evaluations } }, i): ChartLine[] => {
    const colour = compareColour(i);
    const label = names[i] ?? '';
    const train: ChartLine = { label, colour, look: 'smooth', steps: step.values, values: smoothed.values };
    const validation: ChartLine = {
      label: `${label}, validation`,
      colour,
      look: 'dashed',
      steps: evaluations.step.values,
      values: evaluations.valLoss.values,
    };
    return [...(step.length > 0 ? [train] : []), ...(evaluations.step.length > 0 ? [validation] : [])];
  });
}
