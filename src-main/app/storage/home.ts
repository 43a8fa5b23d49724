/** The data folder: where the catalogue, runs, adapters and exports of this user lie. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

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
  /** Files that came through the page, each in a folder of its own. */
  uploadsDir: string;
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

/** Creates the data folder where it is missing. Throws the file system's error when it cannot be written. */
export function openHome(dir: string = defaultHomeDir()): Home {
  for (const name of ['runs', 'adapters', 'trash', 'models', 'datasets', 'exports'])
    fs.mkdirSync(path.join(dir, name), { recursive: true });
  return {
    dir,
    catalogFile: path.join(dir, 'graft.db'),
    runDir: (runId) => path.join(dir, 'runs', runId),
    adapterDir: (adapterId) => path.join(dir, 'adapters', adapterId),
    trashDir: (id) => path.join(dir, 'trash', id),
    modelDir: (modelId) => path.join(dir, 'models', modelId),
    datasetDir: (datasetId) => path.join(dir, 'datasets', datasetId),
    uploadsDir: path.join(dir, 'datasets', 'uploads'),
    exportsDir: path.join(dir, 'exports'),
  };
}
