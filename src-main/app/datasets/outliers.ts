/** Rows that a base model finds least likely, among all good rows of a version or a sample of them. */
import type { z } from 'zod';
import { cellText } from '../../datasets/rowIndex.ts';
import { Random } from '../../../src-shared/random.ts';
import type { LossEvent, RowLoss } from '../../../src-shared/recipes.ts';
import { streamOfCall } from '../events/stream.ts';
import type { ModelService } from '../models/service.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';
import type { rowLossesSchema } from './inputs.ts';
import type { DatasetService } from './service.ts';

/** Rows that are listed, and characters of each. */
const MOST_LISTED = 100;
const TEXT_CHARS = 240;
/** Tokens of a row that are read. */
const MAX_LENGTH = 1024;

export class DatasetOutliers {
  #datasets: DatasetService;
  #models: ModelService;
  #workers: Workers;
  #engines: EngineService;

  constructor(parts: { datasets: DatasetService; models: ModelService; workers: Workers; engines: EngineService }) {
    this.#datasets = parts.datasets;
    this.#models = parts.models;
    this.#workers = parts.workers;
    this.#engines = parts.engines;
  }

  /** Progress, then the rows with the highest losses. A caller that goes away ends the measuring. */
  async *losses(input: z.output<typeof rowLossesSchema>, signal?: AbortSignal): AsyncGenerator<LossEvent, void, void> {
    const reading = this.#datasets.reading(input);
    const { files } = this.#datasets;
    const { plan, good } = await files.survey(reading, signal);
    const rows = chosen(good.index, input.rows);
    const { dir: modelDir } = this.#models.require(input.modelId);
    const engine = await this.#engines.resolve('auto');
    const { file, format, part, noHeader } = reading;
    const params = { engine, modelDir, file, format, part, noHeader, plan, rows, maxLength: MAX_LENGTH };
    let losses: RowLoss[] = [];
    yield* streamOfCall<LossEvent>((tell) => {
      const client = this.#workers.spawn();
      const call = client.call('rowLosses', params, tell).promise.then((found) => void (losses = found));
      return { ended: call.finally(() => client.kill()), stop: () => client.kill() };
    }, signal);
    if (signal?.aborted) return;
    const index = await files.index(reading);
    const sorted = losses.toSorted((a, b) => b.loss - a.loss);
    const highest = sorted.slice(0, MOST_LISTED).map((row) => ({
      ...row,
      text: textOf(index.row(row.index).values),
    }));
    yield { measured: sorted.length, median: sorted[sorted.length >> 1]?.loss ?? 0, highest };
  }
}

/** `most` of the numbers, chosen at random with a seed, in their order. */
function chosen(numbers: Int32Array, most: number): number[] {
  const all = Int32Array.from(numbers);
  if (all.length <= most) return [...all];
  const random = Random.stream(0, 'row losses');
  // The first steps of a shuffle are enough.
  for (let i = 0; i < most; i++) {
    const j = i + random.integer(all.length - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return [...all.subarray(0, most).sort()];
}

function textOf(values: Record<string, unknown>): string {
  const text = Object.values(values)
    .map(cellText)
    .filter((cell) => cell !== '')
    .join(' · ');
  return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text;
}
