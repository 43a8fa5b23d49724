/** `worker`: trains the job in a folder, without a catalogue, as Slurm, mpirun or a person starts it. */
import { runWorker } from '../../jobs/process/runWorker.ts';
import type { Command } from './command.ts';

export const worker: Command = {
  name: 'worker',
  positionals: ['FOLDER'],
  summary: 'Trains the job in a folder, from its state where there is one; TERM lets it keep its state and end.',
  options: {},
  endsItself: true,
  async run({ args }) {
    // Native libraries keep the process alive.
    process.exit(await runWorker(args.positionals[0]!));
  },
};
