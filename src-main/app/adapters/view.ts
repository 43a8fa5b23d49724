/** Adapters as the pages show them. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { MethodText } from '../../../src-shared/methods/method.ts';
import { describeMethod } from '../../../src-shared/methods/registry.ts';

export interface AdapterView extends Adapter {
  taskName: string;
  /** Null when the model is not in the catalogue any more. */
  modelName: string | null;
  /** It is the active adapter of its task. */
  active: boolean;
  /** Name and main numbers of the method. */
  methodText: MethodText;
}

/** Views of many adapters; tasks and models are read once. */
export function adapterViews(catalog: Catalog, adapters: Adapter[]): AdapterView[] {
  const tasks = new Map(catalog.tasks.list().map((task) => [task.id, task]));
  const models = new Map(catalog.models.list().map((model) => [model.id, model.name]));
  return adapters.map((adapter) => {
    const task = tasks.get(adapter.taskId)!;
    return {
      ...adapter,
      taskName: task.name,
      modelName: (adapter.modelId !== null && models.get(adapter.modelId)) || null,
      active: task.activeAdapterId === adapter.id,
      methodText: describeMethod(adapter.method),
    };
  });
}
