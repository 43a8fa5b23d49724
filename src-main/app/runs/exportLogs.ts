/** Writes the logs of runs where other tools find them: a folder for each format, and in it one for each run. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { makeFolders } from '../../files/makeFolders.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import { writeFileAtomic, writeFolderAtomic } from '../../files/writeWhole.ts';
import { csvFiles } from '../../tracking/csv.ts';
import { experimentId, experimentMeta, mlflowFiles, mlflowRunId } from '../../tracking/mlflow.ts';
import { eventFile, eventFileName } from '../../tracking/tensorboard.ts';
import type { TrackedRun } from '../../tracking/trackedRun.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { LOG_FOLDERS, LOG_FORMATS, type LogFormat } from '../../../src-shared/logFormats.ts';
import { assertNewFolder } from '../exports/plan.ts';
import type { Home } from '../storage/home.ts';
import type { RunService } from './service.ts';
import { trackedRun } from './trackedRun.ts';

export const exportLogsSchema = z.object({
  ids: z.array(z.string()).min(1).max(1000),
  formats: z.array(z.enum(LOG_FORMATS)).min(1),
  /** Folder that the folders of the formats lie in; made where there is none. */
  dir: z.string().trim().min(1),
});
export type ExportLogs = z.output<typeof exportLogsSchema>;

export interface ExportedLogs {
  dir: string;
  /** What was written for each run and format: a folder, of JSON a file. */
  written: string[];
  /** The command that shows event files; null where none were written. */
  command: string | null;
}

interface Target {
  path: string;
  write: () => Promise<void>;
}

/**
 * Each run's logs are written whole or not at all. Throws a usage error where something of that name exists (then
 * nothing is written), where `dir` is no full path, RUN_NOT_FOUND, RUN_NOT_BEGUN, or what the file system says.
 */
export async function exportLogs(
  { catalog, home, runs }: { catalog: Catalog; home: Home; runs: RunService },
  { ids, formats, dir }: ExportLogs,
): Promise<ExportedLogs> {
  if (!path.isAbsolute(dir))
    throw usageError('BAD_INPUT', `“${dir}” is no full path; type it from the start, or choose the folder.`, {
      path: dir,
    });
  const root = path.resolve(dir);
  const views = [...new Set(ids)].map((id) => runs.require(id));
  const empty = views.find(({ started }) => started === null);
  if (empty)
    throw usageError('RUN_NOT_BEGUN', `The run ${empty.name} has taken no step yet, so it has no logs to export.`, {
      runId: empty.id,
    });
  const names = folderNames(views);
  const unique = [...new Set(formats)];
  const targets = views.flatMap((view, i) => {
    // Read when it is written: the steps of all runs together may be many.
    const read = (): TrackedRun => trackedRun(catalog, view);
    return unique.map((format) => TARGETS[format](path.join(root, LOG_FOLDERS[format]), names[i]!, read));
  });
  for (const target of targets) assertNewFolder(target.path, home.dir);
  for (const target of targets) {
    try {
      await target.write();
    } catch (error) {
      throw systemErrorAbout(error, target.path);
    }
  }
  const logdir = path.join(root, LOG_FOLDERS.tensorboard);
  return {
    dir: root,
    written: targets.map((target) => target.path),
    command: unique.includes('tensorboard') ? `tensorboard --logdir "${logdir}"` : null,
  };
}

const TARGETS: Record<LogFormat, (dir: string, name: string, read: () => TrackedRun) => Target> = {
  tensorboard(dir, name, read) {
    const target = path.join(dir, name);
    const write = async () => {
      const run = read();
      await writeFolderAtomic(target, (made) => {
        const fd = fs.openSync(path.join(made, eventFileName(run)), 'wx');
        try {
          for (const record of inBlocks(eventFile(run))) fs.writeSync(fd, record);
        } finally {
          fs.closeSync(fd);
        }
      });
    };
    return { path: target, write };
  },
  csv(dir, name, read) {
    const target = path.join(dir, name);
    return { path: target, write: () => writeFolderAtomic(target, (made) => putFiles(made, csvFiles(read()))) };
  },
  json(dir, name, read) {
    const target = path.join(dir, `${name}.json`);
    const write = async () => {
      makeFolders(dir);
      writeFileAtomic(target, `${JSON.stringify(read(), null, 1)}\n`);
    };
    return { path: target, write };
  },
  mlflow(dir, _name, read) {
    const run = read();
    const experiment = path.join(dir, experimentId(run.task));
    const target = path.join(experiment, mlflowRunId(run));
    const write = async () => {
      await writeFolderAtomic(target, (made) => {
        for (const folder of ['artifacts', 'metrics', 'params', 'tags']) fs.mkdirSync(path.join(made, folder));
        putFiles(made, Object.fromEntries(mlflowFiles(run, target)));
      });
      const meta = path.join(experiment, 'meta.yaml');
      if (!fs.existsSync(meta)) writeFileAtomic(meta, experimentMeta(run, experiment));
    };
    return { path: target, write };
  },
};

function putFiles(dir: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name);
    makeFolders(path.dirname(file));
    fs.writeFileSync(file, content);
  }
}

/** Pieces of about a megabyte: a write for each of a hundred thousand events takes long. */
function* inBlocks(records: Buffer[]): Generator<Buffer> {
  const most = 10_000;
  for (let from = 0; from < records.length; from += most) yield Buffer.concat(records.slice(from, from + most));
}

/** Names that every file system takes; runs that share theirs have their id behind it. */
function folderNames(runs: readonly { id: string; name: string }[]): string[] {
  const names = runs.map(
    ({ name }) => name.replace(/[^\p{L}\p{N}._+ -]+/gu, '-').replace(/^[ .]+|[ .]+$/g, '') || 'run',
  );
  const lower = names.map((name) => name.toLowerCase());
  return names.map((name, i) =>
    lower.filter((other) => other === lower[i]).length > 1 ? `${name} ${runs[i]!.id}` : name,
  );
}
