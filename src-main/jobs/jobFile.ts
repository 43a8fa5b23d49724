/** `job.json`: what is to be trained, with every path relative to the job's folder. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { jobFileSchema, type JobFile } from '../../src-shared/jobs.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { parseJson } from '../files/parseJson.ts';
import { fileSha256 } from '../files/sha256.ts';
import { JOB } from './layout.ts';
import { readOwnText } from './ownFile.ts';

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

/** The spec as this machine can train it. Throws NOT_FOUND where the base is in none of its places. */
export function specHere(jobDir: string, { spec, base }: JobFile): RunSpec {
  const here = (place: string): string => path.resolve(jobDir, place);
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
    data: { ...spec.data, file: here(spec.data.file) },
    ...(spec.startsFrom ? { startsFrom: { ...spec.startsFrom, dir: here(spec.startsFrom.dir) } } : {}),
    runDir: here(JOB.runDir),
    outDir: here(JOB.outDir),
  };
}

/** Throws JOB_CHANGED where a file that came with the job is not what was sent. */
export function checkFiles(jobDir: string, { files }: JobFile): void {
  for (const [name, { sha256, sizeBytes }] of Object.entries(files)) {
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
