/** Reads the series of a run into a store, in pieces small enough to hold up neither the page nor the main process. */
import { api } from '../lib/api.ts';
import type { SeriesStore } from './seriesStore.ts';

/** Steps in one answer: what a page reads and takes in within a frame. */
const PIECE = 8000;

/** Adds what the store does not hold yet; true when that was anything. */
export async function readSeries(id: string, store: SeriesStore): Promise<boolean> {
  let isNew = false;
  for (;;) {
    const series = await api.runs.series.query({
      id,
      afterStep: store.lastStep,
      afterEvaluation: store.evaluations.step.last ?? -1,
      maxPoints: PIECE,
    });
    store.appendColumns(series);
    for (const { step, valLoss, preference } of series.evaluations) store.putEvaluation(step, valLoss, preference);
    isNew ||= series.step.length > 0 || series.evaluations.length > 0;
    if (!series.more) return isNew;
  }
}
