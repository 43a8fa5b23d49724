/** Looks through places one after the other; one whose disk does not answer is given up and says so. */
import { GraftError } from '../../../../src-shared/errors.ts';
import type { FoundInPlace, ModelPlace } from '../../../../src-shared/foundModels.ts';
import { look } from '../../looking/look.ts';

/** `deadlineMs`: of each place. Places with nothing to tell are left out. */
export async function lookForModels(places: readonly ModelPlace[], deadlineMs?: number): Promise<FoundInPlace[]> {
  const found: FoundInPlace[] = [];
  for (const place of places) {
    const one = await lookThrough(place, deadlineMs);
    if (one.models.length > 0 || one.problem !== null) found.push(one);
  }
  return found;
}

async function lookThrough(place: ModelPlace, deadlineMs: number | undefined): Promise<FoundInPlace> {
  try {
    return await look('findModels', [place], deadlineMs === undefined ? {} : { deadlineMs });
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { ...place, models: [], problem: error.message };
  }
}
