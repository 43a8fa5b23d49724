/** Switching the active adapter of a task: one update, and new A and B in a loaded model. */
import type { Catalog } from '../../catalog/catalog.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { PlaygroundService } from '../playground/service.ts';
import type { TaskService, TaskView } from './service.ts';

/**
 * Makes an adapter (null: the plain base) the active one of its task. Where its base is loaded in the playground it is
 * attached there too, and `switchMs` says how long that took; else `switchMs` is null.
 */
export async function switchAdapter(
  { catalog, tasks, playground }: { catalog: Catalog; tasks: TaskService; playground: PlaygroundService },
  { taskId, adapterId }: { taskId: string; adapterId: string | null },
): Promise<{ task: TaskView; switchMs: number | null }> {
  tasks.require(taskId);
  const adapter = adapterId === null ? null : catalog.adapters.get(adapterId);
  if (adapter === undefined || (adapter && adapter.taskId !== taskId))
    throw usageError(
      'ADAPTER_NOT_FOUND',
      `The task has no adapter ${adapterId}; "adapters list" shows those that exist.`,
      { taskId, adapterId },
    );
  const { modelId, modelDir } = playground.state;
  const resident = modelDir !== null && (adapter === null || adapter.modelId === modelId);
  const attached = resident ? await playground.attach(adapterId) : null;
  catalog.tasks.setActive(taskId, adapterId);
  return { task: tasks.require(taskId), switchMs: attached?.switchMs ?? null };
}
