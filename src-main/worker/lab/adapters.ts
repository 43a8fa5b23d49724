/** What all of the lab's calls begin with: a base, what was tuned on it, its updates one after the other. */
import { isWholeModel } from '../../adapters/files.ts';
import { assertAdapterFitsBase } from '../../adapters/fit.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { tuningOf } from '../../lab/tunedModel.ts';
import { updatesOf, type Update } from '../../lab/update.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { LabParams, LabProgress } from '../../../src-shared/lab.ts';
import { counted } from '../../../src-shared/plural.ts';
import { useBackend } from '../backend.ts';
import type { Beside } from './writeLora.ts';

export type Emit = (progress: LabProgress) => void;

/** An adapter, or a whole model against the base that it was fine-tuned from. */
export interface Examined {
  dir: string;
  /** Of its weights' files. */
  sizeBytes: number;
  /** Absent for what was made outside Graft, and for a whole model. */
  graft: GraftAdapterInfo | undefined;
  /** What an adapter replaces beside its updates. */
  beside: Beside['beside'];
  /** Never empty. */
  updates: Update[];
  /** What an adapter made of the updates lacks, a sentence each. */
  notes: string[];
  /** Present for a whole model. */
  tuned?: BaseModel;
}

export interface Bench {
  base: BaseModel;
  /**
   * Throws as reading an adapter or a model does, ADAPTER_WRONG_BASE, LAB_OTHER_MODEL, and LAB_NO_UPDATE for a method
   * without dW.
   */
  examine(dir: string): Examined;
}

export async function withBase<T>(
  { engine, modelDir }: Pick<LabParams, 'engine' | 'modelDir'>,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const base = openBaseModel(modelDir);
  const opened = [base];
  try {
    await useBackend(engine);
    return await work({
      base,
      examine(dir) {
        if (!isWholeModel(dir)) return examineAdapter(dir, base);
        const tuned = openBaseModel(dir);
        opened.push(tuned);
        return examineModel(tuned, base);
      },
    });
  } finally {
    for (const model of opened) model.close();
  }
}

function examineAdapter(dir: string, base: BaseModel): Examined {
  const stored = readAdapter(dir);
  const content = assertAdapterFitsBase(stored, base);
  const updates = updatesOf(content, base);
  if (updates.length > 0)
    return {
      dir,
      sizeBytes: stored.sizeBytes,
      graft: stored.graft,
      beside: content,
      updates,
      notes: content.replaced.size > 0 ? [replacedNote([...content.replaced.keys()])] : [],
    };
  throw new GraftError(
    'LAB_NO_UPDATE',
    `The adapter in ${dir} (method ${content.settings.type}) changes no weight matrix, so there is no update to ` +
      'decompose; choose one of a method that has one, such as LoRA, LoHa, LoKr, DoRA, IA3 or MiSS.',
    { adapter: dir, method: content.settings.type },
  );
}

function examineModel(tuned: BaseModel, base: BaseModel): Examined {
  const { updates, beside } = tuningOf(tuned, base);
  if (updates.length === 0)
    throw new GraftError(
      'LAB_NO_UPDATE',
      `The linear layers of the model in ${tuned.dir} are those of the base model in ${base.dir}, so there is no ` +
        'update to decompose; choose a model that was fine-tuned from it.',
      { adapter: tuned.dir, method: 'full' },
    );
  return {
    dir: tuned.dir,
    sizeBytes: tuned.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    graft: undefined,
    beside: { biases: new Map() },
    updates,
    notes: beside.length > 0 ? [leftOut(beside)] : [],
    tuned,
  };
}

function replacedNote(names: string[]): string {
  return (
    `The adapter also has its own ${names[0]}${names.length > 1 ? `, … (${counted(names.length, 'tensor')})` : ''}; ` +
    'an adapter made of its updates leaves these as in the base.'
  );
}

function leftOut(beside: string[]): string {
  const names = `${beside[0]}${beside.length > 1 ? ', …' : ''}`;
  return (
    `Full fine-tuning also changed ${counted(beside.length, 'tensor')} outside the linear layers (${names}); an ` +
    'adapter made of its updates leaves these as in the base.'
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
