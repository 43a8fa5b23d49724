/** Which adapter the form begins with. */
import type { AdapterView } from '../../lib/api.ts';

type Candidate = Pick<AdapterView, 'id' | 'taskId' | 'active' | 'valLoss'>;

/**
 * Of the task that was trained last: the one with the lowest validation loss, else the active one, else the newest. A
 * run that went wrong is seldom what is to be exported. `adapters`: oldest first.
 */
export function firstChoice<A extends Candidate>(adapters: readonly A[]): A | undefined {
  const newest = adapters.at(-1);
  const rivals = adapters.filter(({ taskId }) => taskId === newest?.taskId);
  const measured = rivals.filter((one) => one.valLoss !== null).sort((a, b) => a.valLoss! - b.valLoss!);
  return measured[0] ?? rivals.find(({ active }) => active) ?? newest;
}
