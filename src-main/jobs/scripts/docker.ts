/** The job as a script that runs it in a container of Docker's, or of Podman's, from the image of Node alone. */
import { usageError } from '../../../src-shared/errors.ts';
import { BRING_BACK, GO_TO_OWN_FOLDER, heading, type Script, type ScriptInput } from './script.ts';
import { plainFile } from './words.ts';

const IMAGE = 'docker.io/library/node:24-bookworm';
/** Between TERM and KILL of `docker stop`, in seconds. */
const STOP_SECONDS = 120;

/** Throws GraftError BAD_INPUT for several processes: the image has no mpirun. */
export function dockerScript(input: ScriptInput): Script {
  if ((input.processes ?? 1) > 1)
    throw usageError(
      'BAD_INPUT',
      `The container has no mpirun to start ${input.processes} processes; export the job for one process, or for ` +
        'sbatch or the shell.',
      { processes: input.processes },
    );
  return {
    file: 'run-docker.sh',
    command: 'sh run-docker.sh',
    text: `#!/bin/sh
${heading(input, [
  'Copy this whole folder to a machine with Docker, and type there:',
  '  sh run-docker.sh',
  'What you write behind it goes to docker run, such as --gpus all or --cpus 4. In place of docker, the program that',
  'GRAFT_DOCKER names is used, such as podman. The job sees this folder and no network. docker stop ends it in good',
  'order: it keeps its state first.',
  ...BRING_BACK,
])}
set -eu
${GO_TO_OWN_FOLDER}\
if ! [ -f job.json ]; then
  echo "There is no job.json in $PWD; start this script where the job lies." >&2
  exit 1
fi
case $PWD in
  *:*)
    echo "Docker cannot take a folder with a colon in its path ($PWD); move the job." >&2
    exit 1
    ;;
esac
exec "\${GRAFT_DOCKER:-docker}" run --rm --init --network none --stop-timeout ${STOP_SECONDS} \\
  --user "$(id -u):$(id -g)" --env HOME=/tmp --volume "$PWD:/job" --workdir /job "$@" \\
  ${IMAGE} node ${plainFile(input.entry)} worker .
`,
  };
}
