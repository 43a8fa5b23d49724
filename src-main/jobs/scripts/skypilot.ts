/** The job as a task for SkyPilot, which rents a machine, copies the folder to it and runs it there. */
import { usageError } from '../../../src-shared/errors.ts';
import { beginJob, heading, LEAST_NODE, type Script, type ScriptInput } from './script.ts';

/** Node from its own site, checked against the hashes there, where the machine has none that will do. */
const SETUP = `\
set -eu
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || major=0
if [ "$major" -lt ${LEAST_NODE} ]; then
  case $(uname -m) in
    x86_64) machine=x64 ;;
    *) machine=arm64 ;;
  esac
  site=https://nodejs.org/dist/latest-v24.x
  mkdir -p ~/graft-node
  cd ~/graft-node
  curl -fsSO "$site/SHASUMS256.txt"
  file=$(grep -o "node-v24[.0-9]*-linux-$machine.tar.gz" SHASUMS256.txt)
  curl -fsSO "$site/$file"
  grep " $file\\$" SHASUMS256.txt | sha256sum -c -
  tar -xzf "$file" --strip-components=1
fi
`;

/** Throws GraftError BAD_INPUT for several processes: nothing installs mpirun there. */
export function skypilotTask(input: ScriptInput): Script {
  if ((input.processes ?? 1) > 1)
    throw usageError(
      'BAD_INPUT',
      `The rented machine has no mpirun to start ${input.processes} processes; export the job for one process, or ` +
        'for sbatch or the shell.',
      { processes: input.processes },
    );
  return {
    file: 'run.sky.yaml',
    command: 'sky launch --cluster graft run.sky.yaml',
    text: `${heading(input, [
      'A task for SkyPilot (https://docs.skypilot.co). Type in this folder:',
      '  sky launch --cluster graft run.sky.yaml',
      'It goes on when you press Ctrl+C; sky logs graft shows it again. When it has ended, bring back what it made and',
      'give the machine back, which costs money until then:',
      '  rsync -a graft:sky_workdir/ .',
      '  sky down graft',
      'and, on the machine that you came from:',
      '  graft job import FOLDER',
      'If it was interrupted, first bring back what there is; then launch it again, and it goes on where it was.',
    ])}
name: graft

workdir: .

resources:
  # For a graphics card, remove the # from the next line; sky show-gpus lists the cards and their prices.
  # accelerators: L4:1
  cpus: 4+

setup: |
${indented(SETUP)}
run: |
${indented(`set -eu\nif [ -x ~/graft-node/bin/node ]; then GRAFT_NODE=~/graft-node/bin/node; fi\n${beginJob(input)}`)}`,
  };
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');
