/** Whether an adapter belongs to a base model: by hash where the adapter names one, and by module and shape always. */
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import type { AdapterContent } from './content.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import type { StoredAdapter } from './stored.ts';

/**
 * Returns what the adapter does to the base. Throws GraftError ADAPTER_WRONG_BASE when graft.json names another base,
 * ADAPTER_NO_MODULE or ADAPTER_SHAPE when the base has no such layer. An adapter without graft.json (made by Python
 * PEFT) is checked by modules and shapes only.
 */
export function assertAdapterFitsBase(adapter: StoredAdapter, base: BaseModel): AdapterContent {
  const { graft } = adapter;
  if (graft && graft.baseHash !== base.hash) {
    const short = (hash: string): string => hash.slice(0, 12);
    throw new GraftError(
      'ADAPTER_WRONG_BASE',
      `The adapter in ${adapter.dir} was trained on ${graft.baseName} (${short(graft.baseHash)}), not on ` +
        `${path.basename(base.origin)} (${short(base.hash)}) in ${base.origin}; choose the base model it was trained ` +
        'on.',
      {
        adapter: adapter.dir,
        want: graft.baseHash,
        got: base.hash,
        wantName: graft.baseName,
        gotDir: base.dir,
      },
    );
  }
  return adapter.on(base);
}
