/** The loss curves of adapters as lines of one chart. */
import type { AdapterView } from '../../lib/api.ts';
import type { ChartLine } from '../../charts/line.ts';
import type { SeriesStore } from '../../charts/seriesStore.ts';
import { compareColour, distinctNames } from '../../charts/compared.ts';

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
