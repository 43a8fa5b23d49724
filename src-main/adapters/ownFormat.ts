/**
 * Graft's own adapter format, for what PEFT has no format for (docs/adapter-format.md): the parameters under their
 * names in the engine, and in graft.json the settings of the method. There is no adapter_config.json, so that PEFT does
 * not take the folder for one of its own.
 */
import { GraftError } from '../../src-shared/errors.ts';
import { isAdapter, methodSchema, type AdapterSettings } from '../../src-shared/methods/registry.ts';
import { linearModules } from '../engine/model/architecture.ts';
import { noModule, type Base, type Cell } from './content.ts';
import { GRAFT_FILE, type GraftAdapterInfo } from './graftInfo.ts';
import { writeAdapterFile, type AdapterFile, type NamedTensors } from './files.ts';
import type { WrittenFile } from '../safetensors/write.ts';

/** The settings of the method. Throws GraftError GRAFT_INFO for those of no method of this format. */
export function ownSettings(
  { dir, graft }: AdapterFile,
  isOwn: (settings: AdapterSettings) => boolean,
): AdapterSettings {
  const method = methodSchema.safeParse(graft?.method);
  if (method.success && isAdapter(method.data) && isOwn(method.data)) return method.data;
  throw new GraftError(
    'GRAFT_INFO',
    `${dir}/${GRAFT_FILE} has settings of a method (${graft?.method?.type}) that this version of Graft ` +
      'does not read; update Graft or export the adapter again.',
    { dir, method: graft?.method ?? null },
  );
}

/** Tensors called `3.q.lokr_w1`, by the layer that they belong to. Throws ADAPTER_NO_MODULE. */
export function ownCells({ dir, tensors }: AdapterFile, scale: number, base: Base): Cell[] {
  const known = new Map(linearModules(base.spec).map((module) => [`${module.layer}.${module.target}`, module]));
  const groups = Map.groupBy(tensors, ([name]) => name.slice(0, name.lastIndexOf('.')));
  return [...groups].map(([place, entries]) => {
    const module = known.get(place);
    if (!module) throw noModule(dir, place, base);
    const parts = Object.fromEntries(entries.map(([name, tensor]) => [name.slice(place.length + 1), tensor]));
    return { module, scale, parts };
  });
}

/** Throws as writeAdapterFile. */
export async function writeOwnAdapter(
  dir: string,
  tensors: NamedTensors,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  return writeAdapterFile(dir, { tensors, graft });
}
