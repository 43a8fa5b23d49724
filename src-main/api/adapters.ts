/** Trained adapters in the catalogue. */
import fs from 'node:fs';
import { z } from 'zod';
import type { Adapter } from '../catalog/adapters.ts';
import { usageError } from '../errors.ts';
import type { Services } from '../services.ts';
import { describeMethod, type MethodText } from '../trainer/describeMethod.ts';
import { procedure, router } from './trpc.ts';

export interface AdapterView extends Adapter {
  taskName: string;
  /** Null when the model is not in the catalogue any more. */
  modelName: string | null;
  /** It is the active adapter of its task. */
  active: boolean;
  /** Name and main numbers of the method. */
  methodText: MethodText;
}

export function adaptersRouter({ catalog, playground }: Services) {
  const view = (adapter: Adapter): AdapterView => {
    const task = catalog.tasks.get(adapter.taskId)!;
    const model = adapter.modelId === null ? undefined : catalog.models.get(adapter.modelId);
    return { ...adapter, taskName: task.name, modelName: model?.name ?? null, active: task.activeAdapterId === adapter.id, methodText: describeMethod(adapter.method) };
  };
  const find = (id: string): Adapter => {
    const adapter = catalog.adapters.get(id);
    if (!adapter) throw usageError('ADAPTER_NOT_FOUND', `There is no adapter ${id} in the catalogue; "adapters list" shows those that exist.`, { adapterId: id });
    return adapter;
  };

  return router({
    list: procedure.input(z.object({ taskId: z.string().optional() }).default({})).query(({ input }) => catalog.adapters.list(input.taskId).map(view)),
    get: procedure.input(z.object({ id: z.string() })).query(({ input }) => view(find(input.id))),

    /** Removes the row, then the folder, so that no row ever points at nothing. A task that had it active has none afterwards. */
    remove: procedure.input(z.object({ id: z.string() })).mutation(async ({ input }) => {
      const adapter = find(input.id);
      if (playground.state.adapterId === adapter.id) await playground.attach(null);
      catalog.adapters.remove(adapter.id);
      fs.rmSync(adapter.dir, { recursive: true, force: true });
      return { removed: adapter.id };
    }),
  });
}
