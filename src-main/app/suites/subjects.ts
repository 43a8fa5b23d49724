/** Who is measured by a suite: a base model and adapters that stand on it. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { AdapterService } from '../adapters/service.ts';
import type { ModelService } from '../models/service.ts';
import type { RunSuite } from './inputs.ts';

export interface Subject {
  id: string;
  name: string;
  modelId: string;
  /** Null: the plain base. */
  adapter: Adapter | null;
}

interface Parts {
  catalog: Catalog;
  models: ModelService;
  adapters: AdapterService;
}

/**
 * Each once, in the order asked for; a base without a name is that of the first adapter. Throws a usage error
 * SUITE_SUBJECTS for subjects on different bases, BASE_UNKNOWN, or that one is not there.
 */
export function subjectsOf(parts: Parts, asked: RunSuite['subjects']): Subject[] {
  const found = asked.map(({ modelId, adapterId }): Subject => {
    if (adapterId === null) {
      const model = parts.models.require(modelId ?? baseOfFirst(parts, asked));
      return { id: model.id, name: model.name, modelId: model.id, adapter: null };
    }
    const adapter = parts.adapters.require(adapterId);
    return { id: adapter.id, name: adapter.name, modelId: baseOf(parts, adapter), adapter };
  });
  const subjects = [...new Map(found.map((subject) => [subject.id, subject])).values()];
  const other = subjects.find(({ modelId }) => modelId !== subjects[0]!.modelId);
  if (!other) return subjects;
  throw usageError(
    'SUITE_SUBJECTS',
    `${subjects[0]!.name} and ${other.name} stand on different base models; run the suite for each base by itself, ` +
      'and compare afterwards.',
    { subjects: subjects.map(({ id }) => id) },
  );
}

function baseOfFirst(parts: Parts, asked: RunSuite['subjects']): string {
  const first = asked.find(({ adapterId }) => adapterId !== null);
  if (!first) throw usageError('BAD_INPUT', 'Name the base model that is measured.');
  return baseOf(parts, parts.adapters.require(first.adapterId!));
}

function baseOf({ catalog }: Parts, adapter: Adapter): string {
  const base = knownBase(catalog, adapter);
  if (base) return base.id;
  throw usageError('BASE_UNKNOWN', `The base model of ${adapter.name} is not in the catalogue; add its folder first.`);
}

/** The base that an adapter was trained on, or another folder of the same weights. */
export function knownBase({ models }: Catalog, { modelId, baseHash }: Adapter): RegisteredModel | undefined {
  const all = models.list();
  return all.find(({ id }) => id === modelId) ?? all.find(({ hash }) => hash === baseHash);
}
