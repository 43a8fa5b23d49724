/** Handing a job, or an array of jobs, to Slurm: every value is an argument of its own, and no shell reads one. */
import { usageError, GraftError } from '../../src-shared/errors.ts';
import { SLURM_OPTIONS, type SlurmTarget } from '../../src-shared/remoteTargets.ts';
import { signalSeconds } from './duration.ts';
import { slurm, type SlurmHost } from './host.ts';

const NAME_LENGTH = 100;
const SIGNAL_SECONDS_MOST = 65_535;

export interface Submission {
  /** How squeue shows it. */
  name: string;
  /** On the login node, as all paths here: absolute, and seen by the nodes under the same path. Holds BATCH_SCRIPT. */
  scriptFile: string;
  /** Of the script: see batchArguments. */
  args: readonly string[];
  options?: SlurmTarget['options'];
  /** Tasks 0 to count - 1, each with its number in SLURM_ARRAY_TASK_ID; at most `atATime` run at once. */
  array?: { count: number; atATime?: number };
  /** What the job prints before its script takes over; absent: nowhere. Of an array `.0`, `.1` … stand behind it. */
  logFile?: string;
  cwd: string;
  /** Processes that mpirun starts in it. */
  ntasks?: number;
  /** By which squeue finds it again. */
  comment?: string;
  /** How long before its time is over the job is told so. Slurm may do so up to 60 s earlier. */
  signalSeconds?: number;
}

/**
 * Submits it. Slurm begins it again by itself (`--requeue`) after a node has failed, or another job has taken its
 * place. Ahead of its time limit its first process gets TERM; mpirun, which kills its processes on TERM, gets USR1
 * and passes it on to all of them. Throws GraftError SLURM_FAILED with the words of sbatch, BAD_INPUT for paths that
 * Slurm cannot take.
 */
export async function submit(host: SlurmHost, submission: Submission): Promise<{ jobId: string }> {
  const { stdout } = await slurm(host, sbatchCommand(submission), 'Slurm did not take the job');
  // With several clusters: NUMBER;CLUSTER. A site's own sbatch may say something before.
  const jobId = /^(\d+)(?:;\S*)?$/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1];
  if (jobId !== undefined) return { jobId };
  throw new GraftError(
    'SLURM_FAILED',
    `sbatch on ${host.name} did not tell the number of the job; look with squeue whether it was taken.`,
    { host: host.name, stdout: stdout.slice(0, 2000) },
  );
}

function sbatchCommand(job: Submission): string[] {
  const seconds = Math.min(
    Math.max(1, Math.round(job.signalSeconds ?? signalSeconds(job.options?.time))),
    SIGNAL_SECONDS_MOST,
  );
  const log = job.logFile;
  const output = log === undefined ? '/dev/null' : outputPattern(plainPath(log)) + (job.array ? '.%a' : '');
  return [
    'sbatch',
    '--parsable',
    '--requeue',
    '--open-mode=append',
    `--signal=B:${(job.ntasks ?? 1) > 1 ? 'USR1' : 'TERM'}@${seconds}`,
    `--job-name=${oneLine(job.name)}`,
    `--output=${output}`,
    ...(job.comment === undefined ? [] : [`--comment=${job.comment}`]),
    `--chdir=${plainPath(job.cwd)}`,
    ...(job.array ? [`--array=${arraySpec(job.array)}`] : []),
    ...((job.ntasks ?? 1) > 1 ? [`--ntasks=${job.ntasks}`] : []),
    ...optionArguments(job.options ?? {}),
    plainPath(job.scriptFile),
    ...job.args,
  ];
}

/** `--NAME=VALUE` for each option of a target. */
export const optionArguments = (options: SlurmTarget['options']): string[] =>
  SLURM_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [`--${name}=${options[name]}`]));

const arraySpec = ({ count, atATime }: { count: number; atATime?: number }): string =>
  `0-${count - 1}${atATime === undefined ? '' : `%${atATime}`}`;

/** `%` begins a pattern (`%j` is the job's number), and stands for itself when doubled. */
const outputPattern = (file: string): string => file.replaceAll('%', '%%');

const oneLine = (text: string): string =>
  text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, NAME_LENGTH);

/** Slurm drops backslashes from the paths of logs, and knows nothing of `~`. */
function plainPath(file: string): string {
  if (/^\/[^\\\u0000-\u001f\u007f]*$/.test(file)) return file;
  throw usageError(
    'BAD_INPUT',
    `Slurm cannot take the path ${JSON.stringify(file)}; choose a work folder whose path begins with / and holds ` +
      'neither backslashes nor control characters.',
    { path: file },
  );
}
