/** Adapters in the catalogue: listed, described, compared, imported, and deleted by way of the trash. */
import { z } from 'zod';
import type { Adapter } from '../catalog/adapters.ts';
import { lossSamples, type LossSample } from '../catalog/lossSamples.ts';
import type { Evaluation } from '../catalog/metrics.ts';
import { usageError } from '../../src-shared/errors.ts';
import { lineageOf, settingsOf, type AdapterLineage, type Setting } from '../app/adapters/lineage.ts';
import { findTrashed, purgeAdapter, restoreAdapter, trashAdapter } from '../app/adapters/trash.ts';
import { importAdapter, inspectAdapter } from '../app/adapters/import.ts';
import type { Services } from '../app/services.ts';
import { adapterViews, type AdapterView } from '../app/adapters/view.ts';
import { procedure, router } from './trpc.ts';

export type AdapterDetails = AdapterView & { lineage: AdapterLineage };

export interface AdapterComparison {
  adapter: AdapterView;
  settings: Setting[];
  /** Of its run, thinned out; empty for an imported adapter. */
  losses: LossSample[];
  evaluations: Evaluation[];
}

/** Points per curve of a comparison. */
const CURVE_POINTS = 400;

const byId = z.object({ id: z.string() });
const byIds = z.object({ ids: z.array(z.string()).min(1) });
const nameSchema = z.string().trim().min(1).max(120);
const tagSchema = z.string().trim().min(1).max(40);

const changesSchema = byId.extend({
  name: nameSchema.optional(),
  notes: z.string().max(20_000).optional(),
  tags: z
    .array(tagSchema)
    .max(20)
    .transform((tags) => [...new Set(tags)])
    .optional(),
  taskId: z.string().optional(),
});

export function adaptersRouter({ catalog, home, playground }: Services) {
  const view = (adapter: Adapter): AdapterView => adapterViews(catalog, [adapter])[0]!;
  const find = (id: string): Adapter => {
    const adapter = catalog.adapters.get(id);
    if (!adapter)
      throw usageError(
        'ADAPTER_NOT_FOUND',
        `There is no adapter ${id} in the catalogue; "adapters list" shows those that exist.`,
        { adapterId: id },
      );
    return adapter;
  };
  /** The playground must not go on with an adapter that is no longer there. */
  const detach = async (id: string): Promise<void> => {
    if (playground.state.adapterId === id) await playground.attach(null);
  };

  return router({
    list: procedure
      .input(z.object({ taskId: z.string().optional() }).default({}))
      .query(({ input }) => adapterViews(catalog, catalog.adapters.list(input.taskId))),
    get: procedure.input(byId).query(({ input }) => view(find(input.id))),
    details: procedure.input(byId).query(({ input }): AdapterDetails => {
      const adapter = find(input.id);
      return { ...view(adapter), lineage: lineageOf(catalog, adapter) };
    }),

    /** Settings and curves of adapters, in the order asked for. */
    compare: procedure.input(byIds).query(({ input }): AdapterComparison[] => {
      const adapters = input.ids.map(find);
      const samples = lossSamples(
        catalog.db,
        adapters.flatMap(({ runId }) => runId ?? []),
        CURVE_POINTS,
      );
      return adapters.map((adapter) => ({
        adapter: view(adapter),
        settings: settingsOf(catalog, adapter),
        losses: (adapter.runId && samples.get(adapter.runId)) || [],
        evaluations: adapter.runId ? catalog.metrics.evaluations(adapter.runId) : [],
      }));
    }),

    /** Changes name, notes, tags or task. An adapter that moves to another task is no longer active in its old one. */
    update: procedure.input(changesSchema).mutation(({ input: { id, ...given } }) => {
      const adapter = find(id);
      const { taskId } = given;
      if (taskId !== undefined && !catalog.tasks.get(taskId))
        throw usageError(
          'TASK_NOT_FOUND',
          `There is no task ${taskId} in the catalogue; reload the page to see those that exist.`,
          { taskId },
        );
      const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      catalog.transaction(() => {
        const old = catalog.tasks.get(adapter.taskId)!;
        if (taskId !== undefined && taskId !== old.id && old.activeAdapterId === id)
          catalog.tasks.setActive(old.id, null);
        catalog.adapters.update(id, changes);
      });
      return view(find(id));
    }),

    /** What a folder holds and which registered base models it fits; nothing is copied. */
    inspect: procedure
      .input(z.object({ dir: z.string().trim().min(1) }))
      .query(({ input }) => inspectAdapter(catalog, input.dir)),
    import: procedure
      .input(
        z.object({
          dir: z.string().trim().min(1),
          taskName: z.string().trim().min(1).max(80),
          name: nameSchema,
          modelId: z.string().optional(),
        }),
      )
      .mutation(async ({ input }) => view(await importAdapter(home, catalog, input))),

    /** Moves adapters to the trash. A task that had one active has none afterwards. */
    trash: procedure.input(byIds).mutation(async ({ input }) => {
      const adapters = input.ids.map(find);
      for (const adapter of adapters) {
        await detach(adapter.id);
        trashAdapter(home, catalog, adapter);
      }
      return { trashed: input.ids };
    }),
    listTrash: procedure.query(() => catalog.adapters.trash()),
    restore: procedure.input(byIds).mutation(({ input }) => {
      const adapters = input.ids.map((id) => findTrashed(catalog, id));
      for (const adapter of adapters) restoreAdapter(home, catalog, adapter);
      return { restored: input.ids };
    }),
    /** Deletes adapters in the trash for good. */
    purge: procedure.input(byIds).mutation(({ input }) => {
      const adapters = input.ids.map((id) => findTrashed(catalog, id));
      for (const adapter of adapters) purgeAdapter(catalog, adapter);
      return { removed: input.ids };
    }),

    /** Deletes an adapter for good, without the trash. A task that had it active has none afterwards. */
    remove: procedure.input(byId).mutation(async ({ input }) => {
      const adapter = find(input.id);
      await detach(adapter.id);
      purgeAdapter(catalog, adapter);
      return { removed: adapter.id };
    }),
  });
}
