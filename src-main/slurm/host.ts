/** Runs Slurm's own programs where they are, and tells in a sentence what they refuse. */
import type { Machine, RunResult } from '../remote/machine.ts';
import { GraftError } from '../../src-shared/errors.ts';

/** A login node: all that is asked of it is to run programs. */
export type SlurmHost = Pick<Machine, 'name' | 'run'>;

/** A controller that is busy answers late; one that is away makes its clients wait for less. */
const LIMIT_MS = 60_000;

/** Times as UTC in the form 2026-11-30T19:46:04, whatever zone and form the user's own environment names. */
const PLAIN_TIMES = ['env', 'TZ=UTC', 'SLURM_TIME_FORMAT=standard'];

/**
 * What the program says. `what`: the part of the sentence that names what was not done, as in "Slurm did not take the
 * job". Throws GraftError SLURM_FAILED with the program's own words.
 */
export async function slurm(
  host: SlurmHost,
  argv: readonly string[],
  what: string,
  options: { input?: string } = {},
): Promise<RunResult> {
  const result = await host.run(argv, { timeoutMs: LIMIT_MS, ...options });
  if (result.code !== 0) throw refused(host, argv[0]!, what, result);
  return result;
}

/** The same, with times in UTC. */
export const inUtc = (argv: readonly string[]): string[] => [...PLAIN_TIMES, ...argv];

/** A time that Slurm has printed for `inUtc`, as ISO 8601; null for N/A and Unknown. */
export const isoTime = (text: string): string | null =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text) ? new Date(`${text}Z`).toISOString() : null;

export function refused(
  host: SlurmHost,
  program: string,
  what: string,
  { code, stdout, stderr }: RunResult,
): GraftError {
  const words = ownWords(stderr) || ownWords(stdout);
  const reason =
    words || (code === null ? `${program} could not be started or did not answer` : `${program} ended with ${code}`);
  const wayOut = words
    ? 'change what the target asks for, or ask whoever runs the cluster.'
    : `check that ${program} works there.`;
  return new GraftError('SLURM_FAILED', `${what} on ${host.name} (${reason}); ${wayOut}`, {
    host: host.name,
    program,
    exitCode: code,
    stderr: stderr.slice(0, 2000),
  });
}

/** Without the program's name before each line, as one line. */
const ownWords = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/^(sbatch|squeue|scontrol|scancel|sinfo): (error: )?/, '').trim())
    .filter((line) => line !== '')
    .join('; ')
    .slice(0, 500)
    .replace(/[.;]$/, '');
