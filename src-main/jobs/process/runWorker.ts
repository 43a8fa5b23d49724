/** Finds out which job is meant and where it runs, trains it, and says how it ended by the exit code. */
import path from 'node:path';
import { z } from 'zod';
import { GraftError } from '../../../src-shared/errors.ts';
import { parseJson } from '../../files/parseJson.ts';
import { requeueFromWithin, slurmPlace } from '../../slurm/place.ts';
import { ARRAY_FILE } from '../layout.ts';
import { readOwnText } from '../ownFile.ts';
import { runJob } from './runJob.ts';

const INTERRUPTED = 75;

export async function runWorker(folder: string): Promise<number> {
  const place = slurmPlace(process.env);
  const jobDir = jobDirOf(path.resolve(folder), place?.arrayTask);
  process.stderr.write(`graft: ${jobDir} on ${process.pid}\n`);
  const phase = await runJob(jobDir, {
    ...(place ? { slurm: { jobId: place.jobId, arrayTask: place.arrayTask, restarts: place.restarts } } : {}),
    endsAtMs: place?.endsAtMs,
    ...(place ? { again: () => requeueFromWithin(place) } : {}),
  });
  process.stderr.write(`graft: ${phase}\n`);
  if (phase === 'failed') return 1;
  return phase === 'interrupted' ? INTERRUPTED : 0;
}

/** Of an array's folder the job with this number. */
function jobDirOf(folder: string, task: number | undefined): string {
  const text = readOwnText(path.join(folder, ARRAY_FILE));
  if (text === null) return folder;
  const json = parseJson(text);
  const dirs = 'value' in json ? z.array(z.string()).safeParse(json.value).data : undefined;
  const dir = task === undefined ? undefined : dirs?.[task];
  if (dir !== undefined) return path.resolve(folder, dir);
  throw new GraftError(
    'JOB_NOT_FOUND',
    `${path.join(folder, ARRAY_FILE)} has no job ${task ?? ''}; begin it through sbatch --array, or name the folder of ` +
      'one job.',
    { folder, task },
  );
}
