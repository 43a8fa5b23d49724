/** The losses of compared runs as lines over a common x axis. */
import type { ChartLine } from '../../charts/line.ts';
import { StepPlaces, stepsPerEpoch, type XAxis } from '../../charts/xAxis.ts';
import type { ComparedRun } from './comparison.svelte.ts';

export interface LossLines {
  /** Smoothed as the stores are. */
  train: ChartLine[];
  validation: ChartLine[];
  /** Where the longest ends on the x axis. */
  end: number;
}

export function runLines(compared: readonly ComparedRun[], axis: XAxis): LossLines {
  const placed = compared.map((one) => ({ ...one, places: new StepPlaces(one.store, axis, stepsPerEpoch(one.run)) }));
  return {
    train: placed
      .filter(({ store }) => store.length > 0)
      .map(({ name, colour, store, places }) => ({
        label: name,
        colour,
        look: 'smooth',
        steps: places.trained,
        values: store.smoothed.values,
      })),
    validation: placed
      .filter(({ store }) => store.evaluations.step.length > 0)
      .map(({ name, colour, store, places }) => ({
        label: name,
        colour,
        look: 'dashed',
        steps: places.of(store.evaluations.step.values),
        values: store.evaluations.valLoss.values,
      })),
    end: Math.max(0, ...placed.map(({ places }) => places.trained.at(-1) ?? 0)),
  };
}
