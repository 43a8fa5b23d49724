/** The data folder: where the catalogue, runs, adapters and exports of this user lie. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFolders } from '../../files/makeFolders.ts';
import { makePrivate } from '../../files/privateFolder.ts';
import { toErrorData, usageError } from '../../../src-shared/errors.ts';

export interface Home {
  dir: string;
  catalogFile: string;
  /** Folder of one run; src-main/runfolder says what lies in it. */
  runDir(runId: string): string;
  /** PEFT folder of one adapter. */
  adapterDir(adapterId: string): string;
  /** Where the folder of a deleted adapter or dataset waits. */
  trashDir(id: string): string;
  /** Folder of a base model that Graft itself trained (full fine-tuning). */
  modelDir(modelId: string): string;
  /** Versions of one dataset that Graft wrote. */
  datasetDir(datasetId: string): string;
  /** What the lab has found out. */
  labDir: string;
  /** What is known of downloads that are not done, a small file each. */
  pullsDir: string;
  /** Files that came through the page, each in a folder of its own. */
  uploadsDir: string;
  /** Drafts of questions and answers, a folder for each set. */
  draftsDir: string;
  /** Copies of the catalogue. */
  backupsDir: string;
  /** What was noted of crashes. */
  reportsDir: string;
  /** Suggested parent folder for exports. */
  exportsDir: string;
}

/** GRAFT_HOME, else the platform's folder for application data. */
export function defaultHomeDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['GRAFT_HOME']) return path.resolve(env['GRAFT_HOME']);
  const user = os.homedir();
  if (platform === 'win32') return path.join(env['APPDATA'] ?? path.join(user, 'AppData', 'Roaming'), 'Graft');
  if (platform === 'darwin') return path.join(user, 'Library', 'Application Support', 'Graft');
  return path.join(env['XDG_DATA_HOME'] || path.join(user, '.local', 'share'), 'graft');
}

/** What Graft itself fills and clears in the data folder. */
export const MANAGED_FOLDERS = [
  'runs',
  'adapters',
  'trash',
  'models',
  'datasets',
  'lab',
  'pulls',
  'backups',
  'reports',
];

/**
 * Creates the data folder where it is missing, and makes it the user's alone. Throws a usage error NOT_ALLOWED where it
 * cannot be made or written.
 */
export function openHome(dir: string = defaultHomeDir()): Home {
  const catalogFile = path.join(dir, 'graft.db');
  try {
    // A folder that was there before Graft came to it may be shared for other reasons.
    const ours = fs.existsSync(catalogFile) || !fs.existsSync(dir);
    for (const name of [...MANAGED_FOLDERS, 'exports']) {
      makeFolders(path.join(dir, name), 0o700);
      makePrivate(path.join(dir, name));
    }
    if (ours) makePrivate(dir);
    // SQLite gives its -wal and -shm the rights of the database.
    fs.closeSync(fs.openSync(catalogFile, 'a', 0o600));
    for (const suffix of ['', '-wal', '-shm']) makePrivate(catalogFile + suffix);
  } catch (error) {
    const { message } = toErrorData(error);
    throw usageError(
      'NOT_ALLOWED',
      `The data folder ${dir} cannot be made or written (${message.replace(/\.$/, '')}); choose another with ` +
        'GRAFT_HOME or change its permissions.',
      { path: dir },
    );
  }
  return {
    dir,
    catalogFile,
    runDir: (runId) => path.join(dir, 'runs', runId),
    adapterDir: (adapterId) => path.join(dir, 'adapters', adapterId),
    trashDir: (id) => path.join(dir, 'trash', id),
    modelDir: (modelId) => path.join(dir, 'models', modelId),
    datasetDir: (datasetId) => path.join(dir, 'datasets', datasetId),
    labDir: path.join(dir, 'lab'),
    pullsDir: path.join(dir, 'pulls'),
    uploadsDir: path.join(dir, 'datasets', 'uploads'),
    draftsDir: path.join(dir, 'datasets', 'drafts'),
    backupsDir: path.join(dir, 'backups'),
    reportsDir: path.join(dir, 'reports'),
    exportsDir: path.join(dir, 'exports'),
  };
}
