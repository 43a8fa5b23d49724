/** The machine and this Graft: version, engines, settings, storage, folders for the web host's browser, the starter. */
import { z } from 'zod';
import { BACKENDS } from '../../src-shared/backends.ts';
import { starter } from '../app/models/starter.ts';
import type { Services } from '../app/services.ts';
import { settingsChangeSchema } from '../app/settings/service.ts';
import { CLEANUP_KINDS } from '../app/storage/storage.ts';
import { watchActivity } from '../app/system/activity.ts';
import { browse } from '../app/system/browse.ts';
import { procedure, router } from './trpc.ts';

const calibrateSchema = z.object({ calibrate: z.boolean().default(false) }).prefault({});
const browseSchema = z.object({ dir: z.string().optional(), kind: z.enum(['folder', 'file']) });

export function systemRouter(services: Services) {
  const { backups, engines, heat, reports, settings, storage, system } = services;
  return router({
    info: procedure.query(() => system.info()),
    /** Each engine with its device and why it is or is not usable; `calibrate` also measures (some seconds). */
    engines: procedure.input(calibrateSchema).query(({ input }) => engines.report(input.calibrate)),
    selfTest: procedure
      .input(z.object({ engine: z.enum(BACKENDS) }))
      .mutation(({ input }) => engines.selfTest(input.engine)),
    settings: procedure.query(() => settings.read()),
    saveSettings: procedure.input(settingsChangeSchema).mutation(({ input }) => settings.save(input)),
    /** Sizes by kind, and what can go. */
    storage: procedure.query(() => storage.report()),
    cleanUp: procedure
      .input(z.object({ kind: z.enum(CLEANUP_KINDS) }))
      .mutation(({ input }) => storage.cleanUp(input.kind)),
    reveal: procedure.input(z.object({ path: z.string().min(1) })).mutation(({ input }) => system.reveal(input.path)),
    activity: procedure.subscription(({ signal }) => watchActivity(services, signal)),
    /** What the drivers of this machine tell now. */
    temperatures: procedure.query(() => heat.read()),
    backups: procedure.query(() => backups.report()),
    /** The next start puts this backup in the place of the catalogue; null: none. */
    restoreAtStart: procedure
      .input(z.object({ name: z.string().nullable() }))
      .mutation(({ input }) => backups.restoreAtStart(input.name)),
    /** What was noted of crashes, newest first; and one of them whole, as text. */
    reports: procedure.query(() => reports.list()),
    report: procedure.input(z.object({ name: z.string() })).query(({ input }) => reports.read(input.name)),
    notices: procedure.query(() => system.notices()),
    /** Lists one folder; by default the user's own. */
    browse: procedure.input(browseSchema).query(({ input }) => browse(input)),
    /** The tiny model and the sample datasets that come with Graft; null when they are not there. */
    starter: procedure.query(() => starter()),
  });
}
