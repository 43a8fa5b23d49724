/** What sbatch is given to run: one text for all jobs. What differs comes as arguments, which no shell reads. */

/**
 * Arguments: how many words the command has, these words, then one folder for each task of the array (one for a job
 * that is no array). The command is run with the folder of its task behind it, in the place of the shell, so that
 * Slurm's signals reach it; what it prints is appended to log.txt in that folder.
 *
 * Open MPI's mpirun that is told to end kills its processes 2 s later; they get 20 s here, to keep their state.
 */
export const BATCH_SCRIPT = `#!/bin/sh
# Written by Graft. Arguments: the number of words of the command, these words, a folder for each task.
set -eu
export OMPI_MCA_odls_base_sigkill_timeout=10 PRTE_MCA_odls_base_sigkill_timeout=10
words=$1
shift
folder=$((words + \${SLURM_ARRAY_TASK_ID:-0}))
i=0
for word do
  if [ "$i" -eq 0 ]; then set --; fi
  if [ "$i" -lt "$words" ] || [ "$i" -eq "$folder" ]; then set -- "$@" "$word"; fi
  if [ "$i" -eq "$folder" ]; then exec >>"$word/log.txt" 2>&1; fi
  i=$((i + 1))
done
exec "$@"
`;

/** Arguments of BATCH_SCRIPT. Task i of an array, counted from 0, runs `command` with `folders[i]` behind it. */
export const batchArguments = (command: readonly string[], folders: readonly string[]): string[] => [
  String(command.length),
  ...command,
  ...folders,
];
