/** The adapter that a run began with. */
import type { RunView } from '../api.ts';
import { baseName } from '../format.ts';

/** Its id, which is the name of its folder; undefined where the run began with the base. */
export function startOf({ startsFrom }: Pick<RunView['spec'], 'startsFrom'>): string | undefined {
  return startsFrom && baseName(startsFrom.dir);
}
