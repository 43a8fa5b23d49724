/** The job as a script for Slurm's sbatch. */
import { usageError } from '../../../src-shared/errors.ts';
import { SLURM_OPTIONS, type SlurmTarget } from '../../../src-shared/remoteTargets.ts';
import { signalSeconds } from '../../slurm/duration.ts';
import { beginJob, BRING_BACK, heading, type Script, type ScriptInput } from './script.ts';
import { wholeNumber } from './words.ts';

/** What sbatch reads of a line is bounded; so are the options of a target. */
const VALUE_LENGTH = 1000;

/** Throws GraftError BAD_INPUT for an option that no line can hold. */
export function sbatchScript(input: ScriptInput & { options?: SlurmTarget['options'] }): Script {
  const { processes = 1, options = {} } = input;
  const chosen = SLURM_OPTIONS.flatMap((name) =>
    options[name] === undefined ? [] : [sbatchLine(name, options[name])],
  );
  return {
    file: 'run.sbatch',
    command: 'sbatch run.sbatch',
    text: `#!/bin/sh
${heading(input, [
  'Copy this whole folder to a disk that the nodes of the cluster see, and type there, in this folder:',
  '  sbatch run.sbatch',
  'Slurm begins it again by itself after a node has failed. Ahead of its time limit it keeps its state and ends.',
  'What it says is in log.txt.',
  ...BRING_BACK,
])}
${[
  sbatchLine('job-name', 'graft'),
  sbatchLine('output', '/dev/null'),
  '#SBATCH --requeue\n',
  // mpirun kills its processes on TERM, and hands USR1 on to them.
  sbatchLine('signal', `B:${processes > 1 ? 'USR1' : 'TERM'}@${signalSeconds(options.time)}`),
  ...(processes > 1 ? [sbatchLine('ntasks', wholeNumber(processes))] : []),
  ...chosen,
].join('')}
set -eu
# Slurm runs a copy of this script that lies elsewhere.
cd -- "\${SLURM_SUBMIT_DIR:-.}/"
# Slurm would read a % in the path of this folder as its own.
exec >>log.txt 2>&1
${beginJob(input)}`,
  };
}

/**
 * `#SBATCH --NAME=VALUE`. sbatch splits the line at white space and ends it at `#`, but between quotes; a backslash
 * takes the next character as it is, between quotes too. Throws GraftError BAD_INPUT for what is no line.
 */
export function sbatchLine(name: string, value: string): string {
  if (/[\u0000-\u001f\u007f]/.test(value) || value.length > VALUE_LENGTH)
    throw usageError(
      'BAD_INPUT',
      `The option ${name} cannot stand in a script for sbatch (${JSON.stringify(value.slice(0, 80))}); write it as ` +
        `one line of at most ${VALUE_LENGTH} characters.`,
      { name, value },
    );
  const written = /^[A-Za-z0-9_.,:@%+=/-]*$/.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`;
  return `#SBATCH --${name}=${written}\n`;
}
