/** Where losses of adapters are measured if nobody names data: the rows that their runs kept for validation. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { LossData } from '../../../src-shared/lab.ts';
import { heldOutRows, runOfAdapter } from '../adapters/heldOut.ts';

/** Each set of rows once, in the order of the adapters; nothing of adapters without a run in the catalogue. */
export function validationRows(catalog: Catalog, adapterIds: readonly (string | null)[]): LossData[] {
  const known = adapterIds.flatMap((id) => {
    const rows = heldOutRows(runOfAdapter(catalog, id));
    if (!rows || rows.val === 0) return [];
    const { data, val, seed } = rows;
    return [{ data, heldOut: { val, seed, ...(data.hash === undefined ? {} : { hash: data.hash }) } }];
  });
  return [...new Map(known.map((one) => [JSON.stringify(one), one])).values()];
}
