/**
 * Entry of the program that trains a job: `worker FOLDER`. FOLDER is a job's, or that of an array of jobs, of which
 * Slurm says the number. Exit code 0: it came to its end; 75: it was interrupted and goes on when it is begun again;
 * 1: it failed.
 */
import { runWorker } from './process/runWorker.ts';
import { printEngines } from './process/engine.ts';
import { toErrorData } from '../../src-shared/errors.ts';

const [command, folder] = process.argv.slice(2);
try {
  if (command === 'engines') await printEngines();
  else if (command === 'worker' && folder !== undefined) process.exitCode = await runWorker(folder);
  else {
    process.stderr.write('graft: say "worker FOLDER", the folder of a job\n');
    process.exitCode = 2;
  }
} catch (error) {
  process.stderr.write(`graft: ${toErrorData(error).message}\n`);
  process.exitCode = 1;
}
// Native libraries keep the process alive.
process.exit();
