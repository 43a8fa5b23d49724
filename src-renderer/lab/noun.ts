/** What the directions of an adapter's updates are called. */
import type { AdapterView, LabAnswers } from '../lib/api.ts';
import { counted } from '../../src-shared/plural.ts';

/** `8 ranks`, `1 direction`. */
export function countedDirections(count: number, noun: 'rank' | 'direction'): string {
  return noun === 'rank' ? counted(count, ['rank', 'ranks']) : counted(count, ['direction', 'directions']);
}

/**
 * `rank` where each update is a LoRA pair of its own; `direction` for methods without ranks, DoRA, and parts of a fused
 * layer, whose updates are decomposed whole.
 */
export function nounFor(
  { method }: Pick<AdapterView, 'method'>,
  { matrices }: LabAnswers['spectrum'],
): 'rank' | 'direction' {
  if (method.type !== 'lora' || method.dora) return 'direction';
  const most = Math.max(method.rank, ...Object.values(method.rankPattern ?? {}));
  return matrices.every(({ singularValues }) => singularValues.length <= most) ? 'rank' : 'direction';
}
