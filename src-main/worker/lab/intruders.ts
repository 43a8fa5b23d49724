/** Finds intruder dimensions, matrix by matrix, and writes the adapter without them. */
import path from 'node:path';
import { intrudersOf, withoutIntruders } from '../../lab/intruders.ts';
import { WHOLE_UP_TO, type Update } from '../../lab/update.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { IntrudersParams, IntrudersResult } from '../../../src-shared/lab.ts';
import { each, withBase, type Emit } from './adapters.ts';
import { writeLora, type SmallUpdate } from './writeLora.ts';

/** Narrower side of a matrix up to which all its singular vectors are looked at: beyond it is an hour for one. */
const WIDEST = 4096;

/** Throws LAB_TOO_WIDE, LAB_NO_FACTORS where what is left cannot be written, and as writing adapters does. */
export async function labIntruders(params: IntrudersParams, emit: Emit): Promise<IntrudersResult> {
  const { epsilon, top, outDir } = params;
  return withBase(params, async ({ base, examine }) => {
    const { graft, beside, updates, notes } = examine(params.adapterDir);
    refuseTooWide(updates, outDir !== undefined);
    const small: SmallUpdate[] = [];
    const matrices = await each(updates, emit, async (update) => {
      const { looked, intruders } = intrudersOf(update, top, epsilon);
      if (outDir !== undefined) small.push({ update, truncated: await withoutIntruders(update, intruders) });
      return {
        name: update.name,
        intruders: intruders.map(({ index, singularValue, cosine }) => ({ index, singularValue, cosine })),
        looked,
      };
    });
    const found = { epsilon, top, matrices };
    if (outDir === undefined || matrices.every(({ intruders }) => intruders.length === 0)) return found;
    const bytes = await writeLora(outDir, small, { base, graft, beside });
    return { ...found, written: { outDir: path.resolve(outDir), bytes, notes } };
  });
}

/** Throws LAB_TOO_WIDE, and LAB_NO_FACTORS where the rest is to be written. */
export function refuseTooWide(updates: Pick<Update, 'name' | 'out' | 'in' | 'lowRank'>[], writing: boolean): void {
  for (const { name, out, in: inputs, lowRank } of updates) {
    const side = Math.min(out, inputs);
    if (side > WIDEST)
      throw usageError(
        'LAB_TOO_WIDE',
        `${name} is ${out} x ${inputs}; all singular vectors are only looked at up to ${WIDEST} on the narrower ` +
          'side, since more takes hours. Choose an adapter of a narrower model.',
        { name, out, in: inputs },
      );
    if (writing && !lowRank && side > WHOLE_UP_TO)
      throw usageError(
        'LAB_NO_FACTORS',
        `The update of ${name} has no factors of low rank and is wider than ${WHOLE_UP_TO}, so what is left of it ` +
          'cannot be written exactly; leave --out away, or compress the adapter first.',
        { name },
      );
  }
}
