/** Makes the folder of a job on this machine, to be sent to another one or to be carried there. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { jobFileSchema, type JobFile, JOB_VERSION } from '../../src-shared/jobs.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { writeFileAtomic } from '../files/writeWhole.ts';
import { bestValuesStep, referenceFile, runStateFile, startFile } from '../runfolder/layout.ts';
import { linkOrCopy } from '../runfolder/keptStates.ts';
import type { Input } from './inputs.ts';
import { JOB } from './layout.ts';

export interface JobPlaces {
  /** Where the base may lie; the first that exists counts. */
  base: string[];
  /** The folders of data and of the adapter that the run begins with, relative to the job's. */
  data: string;
  start?: string;
}

/**
 * Fills the folder `dir`, which exists and is empty: the job's file, and the state of the run where it has one. What
 * lies in `places` is put there by whoever sends the job.
 */
export async function assembleJob(
  { spec, name, inputs }: { spec: RunSpec; name: string; inputs: { data: Input } },
  places: JobPlaces,
  dir: string,
): Promise<JobFile> {
  copyRunState(spec.runDir, path.join(dir, JOB.runDir));
  const files: JobFile['files'] = {};
  for (const file of filesBelow(dir).filter((one) => one !== JOB.file)) {
    const full = path.join(dir, file);
    files[file] = { sha256: await streamedSha256(full), sizeBytes: fs.statSync(full).size };
  }
  const { memoryLimitBytes: _ofThisMachine, ...train } = spec.train;
  const job = jobFileSchema.parse({
    version: JOB_VERSION,
    runId: spec.runId,
    name,
    spec: {
      ...spec,
      train,
      model: { ...spec.model, dir: places.base[0]! },
      data: { ...spec.data, file: path.posix.join(places.data, inputs.data.files[0]!.name) },
      ...(spec.startsFrom && places.start ? { startsFrom: { ...spec.startsFrom, dir: places.start } } : {}),
      runDir: JOB.runDir,
      outDir: JOB.outDir,
    },
    base: { hash: spec.model.hash, places: places.base },
    files,
  });
  writeFileAtomic(path.join(dir, JOB.file), `${JSON.stringify(job, null, 1)}\n`);
  return job;
}

/** Names the files of an input in a folder of this machine, by links to where they lie. */
export function stageInput({ dir, files }: Input, to: string): void {
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const { from, name } of files) fs.symlinkSync(fs.realpathSync(path.join(dir, from)), path.join(to, name));
}

/** The same as files of its own. */
export async function copyInput({ dir, files }: Input, to: string): Promise<void> {
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const { from, name } of files)
    await fs.promises.copyFile(path.join(dir, from), path.join(to, name), fs.constants.COPYFILE_FICLONE);
}

/** What a run that has begun goes on from; what it only keeps for looking back stays here. */
function copyRunState(from: string, to: string): void {
  const named = [runStateFile(from), startFile(from), referenceFile(from)].map((file) => path.basename(file));
  const names = fs.existsSync(from) ? fs.readdirSync(from) : [];
  const kept = names.filter((name) => named.includes(name) || bestValuesStep(name) !== undefined);
  if (kept.length === 0) return;
  fs.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of kept) linkOrCopy(path.join(from, name), path.join(to, name));
}

/** Hex. A base has gigabytes, and others wait for answers meanwhile. */
async function streamedSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Regular files, by their paths relative to `dir` with `/`. */
function filesBelow(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}
