/** Wires the services of one Graft process: the catalogue, the worker processes and what runs on them. */
import path from 'node:path';
import { openCatalog } from '../catalog/catalog.ts';
import { DatasetFiles } from '../datasets/datasetFiles.ts';
import { defaultHomeDir, openHome } from './home.ts';
import { mendTrash } from './adapters/trash.ts';
import { EngineService } from './workers/engines.ts';
import { ExportService } from './exports/service.ts';
import { PlanService } from './runs/planService.ts';
import { PlaygroundService } from './playground/service.ts';
import { removePartials } from '../files/removePartials.ts';
import { recoverAbandoned } from './runs/recover.ts';
import { RunService } from './runs/service.ts';
import { StorageService } from './storage/storage.ts';
import { systemFileManager, type ShowInFolder } from '../files/reveal.ts';
import { TokenService } from './datasets/tokenService.ts';
import { forkWorker } from './workers/channel.ts';
import type { SpawnWorker } from './workers/channel.ts';
import { Workers } from './workers/client.ts';

export interface ServiceOptions {
  /** Data folder; default: GRAFT_HOME, else the platform's. */
  home?: string;
  /** How to start a worker process; default: fork Node. */
  spawnWorker?: SpawnWorker;
  /** Whether to run what a dead Graft process left in the queue: the app does, a single command does not. */
  takeQueued?: boolean;
  /** How to show a folder to the user; default: the desktop's file manager, where there is one. */
  showInFolder?: ShowInFolder | undefined;
}

/** Throws GraftError when the data folder cannot be written or the catalogue not be read. */
export function createServices({
  home: dir = defaultHomeDir(),
  spawnWorker = forkWorker,
  takeQueued = true,
  showInFolder = systemFileManager(),
}: ServiceOptions = {}) {
  const home = openHome(dir);
  const catalog = openCatalog(home.catalogFile);
  mendTrash(home, catalog);
  const workers = new Workers(spawnWorker);
  const engines = new EngineService(catalog, workers);
  const runs = new RunService(home, catalog, workers, engines);
  const plans = new PlanService(home, catalog, workers, engines);
  const tokens = new TokenService(workers);
  const playground = new PlaygroundService(catalog, workers, engines);
  const exports = new ExportService(catalog, workers, engines);
  const datasetFiles = new DatasetFiles(path.join(home.dir, 'datasets'));
  recoverAbandoned(catalog, { takeQueued });
  runs.begin();
  const storage = new StorageService(home, catalog);
  return {
    home,
    catalog,
    workers,
    engines,
    runs,
    plans,
    tokens,
    playground,
    exports,
    datasetFiles,
    storage,
    showInFolder,
    close: () => close(),
  };

  /** Ends every worker and closes the catalogue; a run under way becomes failed and resumable. */
  async function close(): Promise<void> {
    const unfinished = [...runs.close(), ...exports.close()];
    await workers.close();
    unfinished.forEach(removePartials);
    datasetFiles.close();
    catalog.close();
  }
}
export type Services = ReturnType<typeof createServices>;
