/** Adapters between the engine and folders on disk: PEFT's format wherever PEFT has the method, else Graft's own. */
import { GraftError } from '../../src-shared/errors.ts';
import type { AdapterSettings } from '../../src-shared/methods/registry.ts';
import { assertAdapterFitsBase } from '../adapters/fit.ts';
import type { GraftAdapterInfo } from '../adapters/graftInfo.ts';
import type { StoredAdapter } from '../adapters/stored.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import type { Adapter } from './adapter.ts';
import { readAdapter } from './fileRegistry.ts';
import type { Written } from './method.ts';
import { methodOf } from './registry.ts';

/**
 * Reads an adapter folder of any method onto the current backend. Throws when it is broken or belongs to another base.
 */
export function loadAdapter(dir: string, base: BaseModel): Adapter {
  return loadStored(readAdapter(dir), base);
}

/** The same from a folder that has been read. */
export function loadStored(stored: StoredAdapter, base: BaseModel): Adapter {
  const content = assertAdapterFitsBase(stored, base);
  const adapter = methodOf(content.settings.type).adapterFrom?.(content, base.spec);
  if (adapter) return adapter;
  throw new GraftError('INTERNAL', `The method ${content.settings.type} has no adapters; use the folder as a model.`, {
    adapter: stored.dir,
  });
}

/** Writes the adapter folder, with graft.json naming the base. Throws ADAPTER_NOT_FINITE, DISK_FULL, NOT_ALLOWED. */
export async function saveAdapter(
  dir: string,
  adapter: Adapter,
  settings: AdapterSettings,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<Written> {
  return methodOf(settings.type).save(dir, adapter, settings, base, { ...graft, method: settings });
}
