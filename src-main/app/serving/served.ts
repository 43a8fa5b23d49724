/** Which tasks a service on one base answers, and with which adapters: read anew for every request. */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Task } from '../../catalog/tasks.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { BASE_NAME, type ServedTask } from '../../../src-shared/serving.ts';

/** The base of a service; a folder need not be registered. */
export interface ServedBase {
  id: string | null;
  name: string;
  dir: string;
  hash: string;
  /** A whole model in one file, which takes no adapters. */
  isGguf?: boolean;
}

export function ggufBase(file: string): ServedBase {
  return { id: null, name: path.basename(file), dir: path.resolve(file), hash: '', isGguf: true };
}

/** Who answers a request. */
export interface Answerer {
  name: string;
  /** Null: the plain base. */
  adapter: { id: string; name: string; dir: string } | null;
}

/** The base first, then all tasks by name. */
export function servedTasks(catalog: Catalog, base: ServedBase): ServedTask[] {
  const plain = { name: BASE_NAME, taskId: null, adapter: null, refused: null };
  if (base.isGguf) return [plain];
  const tasks = catalog.tasks.list().filter(({ name }) => name !== BASE_NAME);
  return [
    plain,
    ...tasks.map((task): ServedTask => {
      const { adapter, refused } = activeOf(catalog, base, task);
      const { name, id: taskId } = task;
      const shown = adapter && { id: adapter.id, name: adapter.name, promptTemplate: adapter.promptTemplate };
      return { name, taskId, adapter: shown, refused };
    }),
  ];
}

/**
 * The answerer for `model` of a request: `base`, or the name or id of a task. Throws a usage error SERVING_NO_TASK, or
 * SERVING_OTHER_BASE where the active adapter of the task belongs to another base.
 */
export function answererOf(catalog: Catalog, base: ServedBase, model: string): Answerer {
  if (model === BASE_NAME || (base.isGguf && model === base.name)) return { name: BASE_NAME, adapter: null };
  const task = base.isGguf ? undefined : (catalog.tasks.byName(model) ?? catalog.tasks.get(model));
  if (!task) {
    const names = servedTasks(catalog, base).flatMap(({ name, refused }) => (refused === null ? [`"${name}"`] : []));
    throw usageError(
      'SERVING_NO_TASK',
      `There is no task "${model}" here; "model" names a task or the plain base: ${names.join(', ')}.`,
      { model },
    );
  }
  const { adapter, refused } = activeOf(catalog, base, task);
  if (refused !== null) throw usageError('SERVING_OTHER_BASE', refused, { model });
  return { name: task.name, adapter: adapter && { id: adapter.id, name: adapter.name, dir: adapter.dir } };
}

function activeOf(catalog: Catalog, base: ServedBase, task: Task) {
  const adapter = task.activeAdapterId === null ? null : (catalog.adapters.get(task.activeAdapterId) ?? null);
  if (adapter === null || adapter.baseHash === base.hash) return { adapter, refused: null };
  const other = adapter.modelId === null ? undefined : catalog.models.get(adapter.modelId)?.name;
  const refused =
    `The adapter ${adapter.name} of the task "${task.name}" was trained on ${other ?? 'another model'}, and this ` +
    `service has ${base.name}; start a service on that model, or make another adapter active.`;
  return { adapter, refused };
}

/** The registered model that most active adapters belong to, else the only one; throws SERVING_NO_MODEL. */
export function likelyBase(catalog: Catalog): RegisteredModel {
  const models = catalog.models.list();
  const active = catalog.tasks.list().flatMap(({ activeAdapterId }) => {
    const adapter = activeAdapterId === null ? undefined : catalog.adapters.get(activeAdapterId);
    return adapter ? [adapter.baseHash] : [];
  });
  const usesOf = ({ hash }: RegisteredModel): number => active.filter((one) => one === hash).length;
  const best = models.toSorted((a, b) => usesOf(b) - usesOf(a))[0];
  if (best && (models.length === 1 || usesOf(best) > 0)) return best;
  throw usageError(
    'SERVING_NO_MODEL',
    models.length === 0
      ? 'There is no base model yet; add one, or name the folder of one with --model.'
      : 'No task has an active adapter that would say which base to serve; name one with --model.',
  );
}
