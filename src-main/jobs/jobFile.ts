/** `job.json`: what is to be trained, with every path relative to the job's folder. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { jobFileSchema, type JobFile } from '../../src-shared/jobs.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { parseJson } from '../files/parseJson.ts';
import { fileSha256 } from '../files/sha256.ts';
import { JOB, WORK } from './layout.ts';
import { notOurs, readOwnText } from './ownFile.ts';

/** Throws JOB_NOT_FOUND where there is none, JOB_CHANGED where it is not one of this version of Graft. */
export function readJobFile(jobDir: string): JobFile {
  const file = path.join(jobDir, JOB.file);
  const text = readOwnText(file);
  if (text === null)
    throw new GraftError('JOB_NOT_FOUND', `There is no ${JOB.file} in ${jobDir}; name the folder of a job.`, {
      jobDir,
    });
  const json = parseJson(text);
  const parsed = 'problem' in json ? undefined : jobFileSchema.safeParse(json.value);
  if (parsed?.success) return parsed.data;
  const issue = parsed?.error.issues[0];
  const problem = 'problem' in json ? json.problem : `is not as this Graft writes it (${issue?.path.join('.')})`;
  throw new GraftError('JOB_CHANGED', `${file} ${problem}; send the run again, with the same version of Graft.`, {
    file,
  });
}

/**
 * The spec as this machine can train it. Throws NOT_FOUND where the base is in none of its places, JOB_CHANGED where
 * the rows or the adapter that it begins with lie elsewhere than a job's do, NOT_OURS where they are links.
 */
export function specHere(jobDir: string, { spec, base }: JobFile): RunSpec {
  const here = (place: string): string => path.resolve(jobDir, place);
  const input = (place: string, kind: string): string => inputHere(jobDir, place, kind);
  const dir = base.places.map(here).find((place) => fs.existsSync(path.join(place, 'config.json')));
  if (dir === undefined)
    throw new GraftError(
      'NOT_FOUND',
      `The base model is not here: ${base.places.map(here).join(' and ')} hold no config.json; copy its folder to ` +
        'one of these places.',
      { places: base.places },
    );
  return {
    ...spec,
    model: { ...spec.model, dir },
    data: { ...spec.data, file: input(spec.data.file, WORK.data) },
    ...(spec.startsFrom ? { startsFrom: { ...spec.startsFrom, dir: input(spec.startsFrom.dir, WORK.adapters) } } : {}),
    runDir: here(JOB.runDir),
    outDir: here(JOB.outDir),
  };
}

/** In the job's folder, or among what the jobs of a work folder share. Somebody else may have written the job. */
function inputHere(jobDir: string, place: string, kind: string): string {
  const parts = place.split('/');
  const below = parts[0] === '..' && parts[1] === '..' && parts[2] === kind ? parts.slice(3) : parts;
  if (!isBelow(below)) throw strangePlace(jobDir, place);
  const target = path.join(jobDir, ...parts);
  if (fs.lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) throw notOurs(target, 'is a link');
  return target;
}

function isBelow(parts: string[]): boolean {
  return (
    parts.length > 0 && parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part))
  );
}

function strangePlace(jobDir: string, place: string): GraftError {
  const file = path.join(jobDir, JOB.file);
  return new GraftError(
    'JOB_CHANGED',
    `${file} names ${JSON.stringify(place)}, outside of the job's folder, which Graft does not do; write the job anew.`,
    { file, place },
  );
}

/** Throws JOB_CHANGED where a file that came with the job is not what was sent. */
export function checkFiles(jobDir: string, { files }: JobFile): void {
  for (const [name, { sha256, sizeBytes }] of Object.entries(files)) {
    if (!isBelow(name.split('/'))) throw strangePlace(jobDir, name);
    const file = path.join(jobDir, name);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    const problem = !stat?.isFile()
      ? 'is missing'
      : stat.size !== sizeBytes
        ? `has ${stat.size} bytes, not ${sizeBytes}`
        : fileSha256(file) !== sha256
          ? 'has other bytes than were sent'
          : '';
    if (problem) throw new GraftError('JOB_CHANGED', `${file} ${problem}; copy the job again.`, { file, problem });
  }
}
