/** What all of the lab's calls begin with: a base, an adapter of it, its updates one after the other. */
import type { AdapterContent } from '../../adapters/content.ts';
import { assertAdapterFitsBase } from '../../adapters/fit.ts';
import type { StoredAdapter } from '../../adapters/stored.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { updatesOf, type Update } from '../../lab/update.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { LabParams, LabProgress } from '../../../src-shared/lab.ts';
import { useBackend } from '../backend.ts';

export type Emit = (progress: LabProgress) => void;

export interface Examined {
  stored: StoredAdapter;
  content: AdapterContent;
  /** Never empty. */
  updates: Update[];
}

export async function withBase<T>(
  { engine, modelDir }: Pick<LabParams, 'engine' | 'modelDir'>,
  work: (base: BaseModel) => Promise<T>,
): Promise<T> {
  const base = openBaseModel(modelDir);
  try {
    await useBackend(engine);
    return await work(base);
  } finally {
    base.close();
  }
}

/** Throws as reading an adapter does, ADAPTER_WRONG_BASE, and LAB_NO_UPDATE for a method without dW. */
export function examine(dir: string, base: BaseModel): Examined {
  const stored = readAdapter(dir);
  const content = assertAdapterFitsBase(stored, base);
  const updates = updatesOf(content, base);
  if (updates.length > 0) return { stored, content, updates };
  throw new GraftError(
    'LAB_NO_UPDATE',
    `The adapter in ${dir} (method ${content.settings.type}) changes no weight matrix, so there is no update to ` +
      'decompose; choose one of a method that has one, such as LoRA, LoHa, LoKr, DoRA, IA3 or MiSS.',
    { adapter: dir, method: content.settings.type },
  );
}

export async function each<T>(updates: Update[], emit: Emit, work: (update: Update) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const [i, update] of updates.entries()) {
    results.push(await work(update));
    emit({ done: i + 1, total: updates.length });
  }
  return results;
}
