/** Wires the services of one Graft process: the catalogue, the worker processes and what runs on them. */
import path from 'node:path';
import { openCatalog, SERVING_WAIT_MS } from '../catalog/catalog.ts';
import { DatasetFiles } from '../datasets/datasetFiles.ts';
import { removePartials } from '../files/removePartials.ts';
import { systemFileManager, type ShowInFolder } from '../files/reveal.ts';
import { TokenStore, type Keychain } from '../hub/token.ts';
import { AdapterRemoval } from './adapters/removal.ts';
import { AdapterService } from './adapters/service.ts';
import { mendTrash } from './adapters/trash.ts';
import { DatasetOutliers } from './datasets/outliers.ts';
import { DatasetRecipes } from './datasets/recipes.ts';
import { makeBackupNow } from './backups/make.ts';
import { grantWish } from './backups/restore.ts';
import { askMachines } from './away/askMachines.ts';
import { JobFolders } from './away/jobFolders.ts';
import { Machines } from './away/machines.ts';
import { AwayService, type AwayParts } from './away/service.ts';
import { BackupService } from './backups/service.ts';
import { DatasetPreview } from './datasets/preview.ts';
import { DatasetRows } from './datasets/rows.ts';
import { DatasetService } from './datasets/service.ts';
import { TokenService } from './datasets/tokenService.ts';
import { DatasetVersions } from './datasets/versions.ts';
import { DraftService } from './drafts/service.ts';
import { ExportService } from './exports/service.ts';
import { HeatService } from './heat/service.ts';
import { LabService } from './lab/service.ts';
import { ModelService } from './models/service.ts';
import { ChoiceService } from './choices/service.ts';
import { PlaygroundHistory } from './playground/history.ts';
import { PlaygroundService } from './playground/service.ts';
import { PlaygroundVotes } from './playground/votes.ts';
import { PushService } from './pulls/push.ts';
import { PullService } from './pulls/service.ts';
import { ReportService } from './reports/service.ts';
import { RunHistory } from './runs/history.ts';
import { PlanService } from './runs/planService.ts';
import { RateFinder } from './runs/rateFinder.ts';
import { isOther, recoverAbandoned } from './runs/recover.ts';
import { RunService } from './runs/service.ts';
import { RunStore } from './runs/store.ts';
import { ServingService, type OpenServing } from './serving/service.ts';
import { SettingsService } from './settings/service.ts';
import { defaultHomeDir, openHome } from './storage/home.ts';
import { PackedCache } from '../loading/packedCache.ts';
import { removeAbandonedPartials } from './storage/partials.ts';
import { StorageService } from './storage/storage.ts';
import { StudyService } from './studies/service.ts';
import { SuiteJudge } from './suites/judge.ts';
import { AfterRuns } from './suites/afterRuns.ts';
import { SuiteService } from './suites/service.ts';
import { KeepAwake, systemStayAwake, type StayAwake } from './system/keepAwake.ts';
import { SystemService } from './system/service.ts';
import { TargetService, type AskTarget } from './targets/service.ts';
import { TaskService } from './tasks/service.ts';
import { forkWorker } from './workers/channel.ts';
import type { SpawnWorker } from './workers/channel.ts';
import { Workers } from './workers/client.ts';
import { EngineService } from './workers/engines.ts';

export interface ServiceOptions {
  /** Data folder; default: GRAFT_HOME, else the platform's. */
  home?: string;
  /** How to start a worker process; default: fork Node. */
  spawnWorker?: SpawnWorker;
  /** Whether to run what a dead Graft process left in the queue: the app does, a single command does not. */
  takeQueued?: boolean;
  /** Whether others wait for answers, as pages do; a single command may wait longer for the catalogue's lock. */
  serving?: boolean;
  /** How to show a folder to the user; default: the desktop's file manager, where there is one. */
  showInFolder?: ShowInFolder | undefined;
  /** What encrypts the hub's token; default: a file that only the user can read. */
  keychain?: (() => Keychain | undefined) | undefined;
  /** How to keep the machine from sleeping; default: the system's own program, where there is one. */
  stayAwake?: StayAwake | undefined;
  /** How to answer requests over HTTP; without it nothing can be served. */
  openServing?: OpenServing;
  /** How targets are reached, and how often they are asked. */
  away?: Partial<Pick<AwayParts, 'machines' | 'timing'>>;
  /** How to ask a machine where runs can be trained; default: over ssh, or here. */
  askTarget?: AskTarget;
}

/** Throws GraftError when the data folder cannot be written or the catalogue not be read. */
export function createServices({
  home: dir = defaultHomeDir(),
  spawnWorker = forkWorker,
  takeQueued = true,
  serving = true,
  showInFolder = systemFileManager(),
  keychain,
  stayAwake = systemStayAwake(),
  openServing,
  away: awayParts = {},
  askTarget,
}: ServiceOptions = {}) {
  const home = openHome(dir);
  const restored = takeQueued ? grantWish(home) : null;
  const catalog = openCatalog(home.catalogFile, undefined, (db) => void makeBackupNow(db, home.backupsDir));
  mendTrash(home, catalog);
  removeAbandonedPartials(home, isOther);
  new PackedCache().sweep();
  const backups = new BackupService(home, catalog, restored);
  const settings = new SettingsService(catalog);
  const reports = new ReportService(home, catalog);
  const workers = new Workers(() => spawnWorker(settings.read().gpu), reports.workerLost);
  const engines = new EngineService(catalog, workers, settings);
  const models = new ModelService(home, catalog, settings);
  const tasks = new TaskService(catalog);
  const adapters = new AdapterService(home, catalog, tasks);
  const tokens = new TokenService(workers);
  const files = new DatasetFiles(path.join(home.dir, 'datasets'));
  const datasets = new DatasetService({ home, catalog, models, tokens, files });
  const drafts = new DraftService({ home, datasets, models, adapters, workers, engines });
  const versions = new DatasetVersions(home, catalog, datasets);
  const choices = new ChoiceService({ home, catalog, datasets, versions });
  const machines = new Machines();
  const store = new RunStore(catalog);
  const away = new AwayService({ home, store, machines, ...awayParts });
  const runs = new RunService({ home, catalog, models, datasets, settings, workers, engines, store, away });
  const heat = new HeatService({
    runs,
    settings,
    adapterOf: ({ started }) => (started ? engines.adapter(started.engine) : null),
  });
  const awake = new KeepAwake({ runs, settings, stayAwake });
  const studies = new StudyService({ home, catalog, models, datasets, settings, workers, engines, runs, away });
  const suites = new SuiteService({ catalog, models, datasets, adapters, workers, engines });
  const suiteJudge = new SuiteJudge({ catalog, models, workers, engines });
  const afterRuns = new AfterRuns({ catalog, runs, suites });
  const playground = new PlaygroundService({ catalog, models, adapters, workers, engines });
  const exports = new ExportService({ home, catalog, adapters, workers, engines });
  const hubTokens = new TokenStore(home.dir, keychain);
  const pulls = new PullService({ pullsDir: home.pullsDir, models, tokens: hubTokens });
  const pushes = new PushService({ catalog, adapters, tokens: hubTokens });
  const answers = new ServingService({ home, catalog, models, workers, engines, open: openServing });
  const lab = new LabService({ home, catalog, adapters, workers, engines });
  recoverAbandoned(catalog, { takeQueued });
  if (takeQueued) reports.begin();
  if (serving) catalog.waitAtMost(SERVING_WAIT_MS);
  runs.subscribeAll(reports.ofRun);
  if (takeQueued) backups.begin();
  if (takeQueued) studies.begin();
  if (takeQueued) afterRuns.begin();
  heat.begin();
  awake.begin();
  runs.begin();
  if (takeQueued) away.attend();
  return {
    home,
    catalog,
    backups,
    reports,
    workers,
    settings,
    engines,
    models,
    tasks,
    targets: new TargetService({ catalog, ask: askTarget ?? askMachines(catalog, machines) }),
    adapters,
    adapterRemoval: new AdapterRemoval(home, catalog, adapters, playground),
    tokens,
    datasets,
    datasetRows: new DatasetRows(datasets),
    datasetPreview: new DatasetPreview(datasets, models, tokens),
    drafts,
    datasetVersions: versions,
    datasetOutliers: new DatasetOutliers({ datasets, models, workers, engines }),
    datasetRecipes: new DatasetRecipes({ home, datasets, models, versions }),
    heat,
    runs,
    away,
    jobs: new JobFolders({ home, store }),
    runHistory: new RunHistory(catalog, runs),
    studies,
    suites,
    suiteJudge,
    plans: new PlanService({ home, catalog, models, datasets, settings, workers, engines }),
    rates: new RateFinder({ home, catalog, models, datasets, settings, workers, engines, runs }),
    playground,
    playgroundHistory: new PlaygroundHistory(catalog),
    playgroundVotes: new PlaygroundVotes({ catalog, models, adapters, choices }),
    choices,
    exports,
    lab,
    hubTokens,
    pulls,
    pushes,
    serving: answers,
    storage: new StorageService(home, catalog),
    system: new SystemService(home, exports, showInFolder),
    close: () => close(),
  };

  /** Ends every worker and closes the catalogue; a run under way becomes failed and resumable. */
  async function close(): Promise<void> {
    studies.close();
    heat.close();
    awake.close();
    const unfinished = runs.close();
    const clearExports = exports.close();
    lab.close();
    afterRuns.close();
    suites.close();
    suiteJudge.close();
    drafts.close();
    pushes.close();
    await answers.stop();
    await Promise.all([workers.close(), pulls.close(), away.close()]);
    unfinished.forEach(removePartials);
    clearExports();
    files.close();
    await backups.close();
    reports.close();
    catalog.close();
  }
}
export type Services = ReturnType<typeof createServices>;
