/** The machine and this Graft: version, engines, settings, storage, folders for the web host's browser, the starter. */
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { GRAFT_ROOT } from '../files/repository.ts';
import { appSettingsSchema, readAppSettings, saveAppSettings } from '../app/settings/settings.ts';
import { readNotices } from '../app/system/notices.ts';
import { revealable } from '../files/reveal.ts';
import { CLEANUP_KINDS } from '../app/storage/storage.ts';
import type { ExportRecord } from '../catalog/exports.ts';
import type { RunProgress } from '../app/runs/progressMeter.ts';
import type { RunView } from '../app/runs/view.ts';
import type { Services } from '../app/services.ts';
import { ENGINES } from '../../src-shared/backends.ts';
import { browse } from '../app/system/browse.ts';
import { starter } from '../app/models/starter.ts';
import { streamOf } from './stream.ts';
import { procedure, router } from './trpc.ts';

export type { BrowseEntry, BrowseResult } from '../app/system/browse.ts';
export type { Starter } from '../app/models/starter.ts';

export interface SystemInfo {
  version: string;
  /** Data folder. */
  home: string;
  /** Suggested parent folder for exports. */
  exportsDir: string;
  platform: NodeJS.Platform;
  arch: string;
  host: 'electron' | 'web';
  node: string;
  /** Null on the web host. */
  electron: string | null;
  chrome: string | null;
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** Whether `reveal` can show a folder here. */
  canReveal: boolean;
}

/** What goes on anywhere in Graft, for a page that shows it beside whatever else it shows. */
export type ActivityEvent =
  | { type: 'run'; run: RunView }
  | ({ type: 'progress' } & RunProgress)
  | { type: 'removed'; id: string }
  | { type: 'export'; record: ExportRecord };

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** A change names only what changes; the defaults of the schema must not fill in the rest. */
const changeSchema = z.object({
  defaultEngine: appSettingsSchema.shape.defaultEngine.unwrap().exactOptional(),
  memoryLimitBytes: appSettingsSchema.shape.memoryLimitBytes.unwrap().exactOptional(),
  notifications: appSettingsSchema.shape.notifications.unwrap().exactOptional(),
});

export function systemRouter({ home, engines, catalog, storage, exports, runs, showInFolder }: Services) {
  return router({
    info: procedure.query((): SystemInfo => ({
      version,
      home: home.dir,
      exportsDir: home.exportsDir,
      platform: process.platform,
      arch: process.arch,
      host: process.versions['electron'] ? 'electron' : 'web',
      node: process.versions.node,
      electron: process.versions['electron'] ?? null,
      chrome: process.versions['chrome'] ?? null,
      cpu: os.cpus()[0]?.model ?? '',
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      canReveal: showInFolder !== undefined,
    })),

    /** Each engine with its device and why it is or is not usable; `calibrate` also measures (some seconds). */
    engines: procedure
      .input(z.object({ calibrate: z.boolean().default(false) }).prefault({}))
      .query(({ input }) => engines.report(input.calibrate)),

    /** Small computations on one engine, compared with plain JavaScript. */
    selfTest: procedure
      .input(z.object({ engine: z.enum(ENGINES) }))
      .mutation(({ input }) => engines.selfTest(input.engine)),

    settings: procedure.query(() => readAppSettings(catalog)),
    saveSettings: procedure.input(changeSchema).mutation(({ input }) => saveAppSettings(catalog, input)),

    /** Sizes by kind, and what can go. */
    storage: procedure.query(() => storage.report()),
    cleanUp: procedure
      .input(z.object({ kind: z.enum(CLEANUP_KINDS) }))
      .mutation(({ input }) => storage.cleanUp(input.kind)),

    /** Shows a folder of Graft's own, or of an export, in the file manager; `shown` false: there is none here. */
    reveal: procedure.input(z.object({ path: z.string().min(1) })).mutation(({ input }) => {
      const real = revealable(input.path, { home: home.dir, exports: exports.list().map(({ outDir }) => outDir) });
      showInFolder?.(real);
      return { path: real, shown: showInFolder !== undefined };
    }),

    /** Every run and export from now on, in one stream: a browser has only six connections for all its windows. */
    activity: procedure.subscription(({ signal }) => {
      const { progress } = runs;
      const first: ActivityEvent[] = runs
        .list()
        .filter(({ endedAt }) => endedAt === null)
        .map((run) => ({ type: 'run', run }));
      if (progress) first.push({ type: 'progress', ...progress });
      first.push(
        ...exports
          .list()
          .filter(({ status }) => status === 'running')
          .map((record): ActivityEvent => ({ type: 'export', record })),
      );
      const subscribe = (listener: (event: ActivityEvent) => void): (() => void) => {
        const ends = [
          runs.subscribeAll(listener),
          exports.subscribeAll(
            (event) => event.type === 'status' && listener({ type: 'export', record: event.record }),
          ),
        ];
        return () => ends.forEach((end) => end());
      };
      return streamOf(subscribe, { first, isLast: () => false, signal });
    }),

    /** Packages that come with Graft, with their licences. */
    notices: procedure.query(() => readNotices(path.join(GRAFT_ROOT, 'THIRD-PARTY-NOTICES.md'))),

    /** Lists one folder; by default the user's own. */
    browse: procedure
      .input(z.object({ dir: z.string().optional(), kind: z.enum(['folder', 'file']) }))
      .query(({ input }) => browse(input)),

    /** The tiny model and the sample datasets that come with Graft; null when they are not there. */
    starter: procedure.query(() => starter()),
  });
}
