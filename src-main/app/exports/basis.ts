/** What adapters are merged into, as far as a plan needs to know it. */
import { untiesHead } from '../../adapters/replaced.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { withOwnHead } from '../../basemodel/ownHead.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';

/**
 * The base, with a head of its own where an adapter takes it from the embedding. An adapter that cannot be read changes
 * nothing here: merging says why.
 */
export function basisFor(base: BaseModel, adapterDirs: string[]): BaseModel {
  try {
    const unties = adapterDirs.some((dir) => untiesHead(readAdapter(dir).on(base).replaced, base));
    return unties ? withOwnHead(base) : base;
  } catch {
    return base;
  }
}

/** `how`: the export says it. */
export function headNotes({ takenApart }: BaseModel, how: string): string[] {
  if (!takenApart) return [];
  return [
    'The adapter has an embedding or a head of its own, which are one tensor in the base: the merged model gets a ' +
      `head of its own${how}.`,
  ];
}
