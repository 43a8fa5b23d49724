/** The machine and this Graft: version, engines, folders for the web host's browser, the starter. */
import { createRequire } from 'node:module';
import os from 'node:os';
import { z } from 'zod';
import type { Services } from '../services.ts';
import { browse } from './browse.ts';
import { starter } from './starter.ts';
import { procedure, router } from './trpc.ts';

export type { BrowseEntry, BrowseResult } from './browse.ts';
export type { Starter } from './starter.ts';

export interface SystemInfo {
  version: string;
  /** Data folder. */
  home: string;
  /** Suggested parent folder for exports. */
  exportsDir: string;
  platform: NodeJS.Platform;
  host: 'electron' | 'web';
  node: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

export function systemRouter({ home, engines }: Services) {
  return router({
    info: procedure.query(
      (): SystemInfo => ({
        version,
        home: home.dir,
        exportsDir: home.exportsDir,
        platform: process.platform,
        host: process.versions['electron'] ? 'electron' : 'web',
        node: process.versions.node,
        cpu: os.cpus()[0]?.model ?? '',
        cores: os.availableParallelism(),
        memoryBytes: os.totalmem(),
      }),
    ),

    /** Each engine with its device and why it is or is not usable; `calibrate` also measures (some seconds). */
    engines: procedure.input(z.object({ calibrate: z.boolean().default(false) }).prefault({})).query(({ input }) => engines.report(input.calibrate)),

    /** Lists one folder; by default the user's own. */
    browse: procedure.input(z.object({ dir: z.string().optional(), kind: z.enum(['folder', 'file']) })).query(({ input }) => browse(input)),

    /** The tiny model and the sample datasets that come with Graft; null when they are not there. */
    starter: procedure.query(() => starter()),
  });
}
