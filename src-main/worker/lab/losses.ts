/** Losses of adapters on datasets, as `graft eval` measures them. */
import { isWholeModel } from '../../adapters/files.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { LabParams, LossData } from '../../../src-shared/lab.ts';
import { evaluate } from '../verify/evaluate.ts';

const BATCH = 4;

type Where = Pick<LabParams, 'engine' | 'modelDir'>;

/** Loss of the base with the adapter in `dir`, or of the whole model there. */
async function lossOf(dir: string, { engine, modelDir }: Where, { data, heldOut }: LossData): Promise<number> {
  const model = isWholeModel(dir) ? { modelDir: dir } : { modelDir, adapterDir: dir };
  const shared = { engine, data, batch: BATCH, ...(heldOut ? { heldOut } : {}) };
  return (await evaluate({ ...shared, ...model }, () => undefined)).loss;
}

/**
 * Measures those that are there before what is made of them, so that a dataset that cannot be read ends the call before
 * anything is written. Rows that a run kept for validation may be gone by now, which is a note and no error.
 */
export class Losses {
  readonly notes: string[] = [];
  #where: Where;
  #measured: { dataset: LossData; losses: number[] }[] = [];

  constructor(where: Where) {
    this.#where = where;
  }

  async before(dirs: string[], datasets: LossData[]): Promise<void> {
    for (const dataset of datasets) {
      const losses: number[] = [];
      try {
        for (const dir of dirs) losses.push(await lossOf(dir, this.#where, dataset));
        this.#measured.push({ dataset, losses });
      } catch (error) {
        if (!dataset.heldOut || !(error instanceof GraftError)) throw error;
        this.notes.push(`No loss is measured on the validation rows of ${dataset.data.file}: ${error.message}`);
      }
    }
  }

  /** By dataset: losses of those before, and of what was made of them. */
  async after(dir: string): Promise<{ file: string; before: number[]; after: number }[]> {
    const all = [];
    for (const { dataset, losses } of this.#measured)
      all.push({ file: dataset.data.file, before: losses, after: await lossOf(dir, this.#where, dataset) });
    return all;
  }
}
