/** What a Graft that was ended in the middle has begun on a target already, so that nothing is begun twice. */
import path from 'node:path';
import { jobControlSchema, type JobControl, type JobState } from '../../../src-shared/jobs.ts';
import { parseJson } from '../../files/parseJson.ts';
import { JOB } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import { jobWithComment } from '../../slurm/queue.ts';
import { readJobState } from './follow.ts';
import { commentOf } from './submit.ts';

interface Begun {
  slurmJob: string;
  arrayTask: number | null;
}

/**
 * The job of Slurm's that is to train the folder, where one has been submitted of which no row tells: one that waits
 * or runs, or one that has ended since. `attempt`: of the row.
 */
export async function slurmJobOf(machine: Machine, jobDir: string, attempt: number): Promise<Begun | null> {
  const submission = (await readControlThere(machine, jobDir))?.submission;
  if (!submission) return null;
  const jobId = await jobWithComment(machine, commentOf(submission.key), submission.task);
  if (jobId !== null) return { slurmJob: jobId, arrayTask: submission.task };
  const state = await readJobState(machine, { jobDir });
  if (!state?.slurm || state.attempt <= attempt || !isOver(state)) return null;
  return { slurmJob: state.slurm.jobId, arrayTask: submission.task };
}

/** The process that trains the folder already, on a machine without a scheduler; null where none does. */
export async function processOf(machine: Machine, jobDir: string, attempt: number): Promise<number | null> {
  const state = await readJobState(machine, { jobDir });
  if (state?.phase !== 'running' || state.attempt <= attempt) return null;
  const { stdout } = await machine.run(['uname', '-n']);
  return stdout.trim() === state.host && (await machine.isAlive(state.pid)) ? state.pid : null;
}

function isOver({ phase }: JobState): boolean {
  return phase !== 'running' && phase !== 'interrupted';
}

async function readControlThere(machine: Machine, jobDir: string): Promise<JobControl | null> {
  const read = await machine.read(path.posix.join(jobDir, JOB.control));
  const json = read && parseJson(new TextDecoder().decode(read.bytes));
  const parsed = json && 'value' in json ? jobControlSchema.safeParse(json.value) : undefined;
  return parsed?.data ?? null;
}
