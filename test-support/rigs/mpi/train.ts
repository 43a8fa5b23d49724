/**
 * A process of a run over MPI: `mpirun -np N node train.ts JOB.json`. All write to the job's log, as lines of JSON: who
 * they are, the events, how they end. SIGUSR2 asks this one process to pause, SIGHUP to stop.
 */
import fs from 'node:fs';
import { joinRanks } from '../../../src-main/mpi/join.ts';
import { CallControl } from '../../../src-main/worker/control.ts';
import { leaveRanks } from '../../../src-main/worker/train/team.ts';
import { train } from '../../../src-main/worker/train/train.ts';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../../src-shared/training.ts';

export interface MpiJob {
  spec: RunSpec;
  resume: boolean;
  log: string;
  /** What one of the processes finds otherwise. */
  odd?: { rank: number; spec: RunSpec };
  /** A step of which the first process cannot tell. */
  untold?: number;
}

export type MpiLine =
  | { rank: number; size: number; here: number; pid: number }
  | { event: TrainEvent }
  | { rank: number; result: TrainResult }
  | { rank: number; error: ErrorData };

const job = JSON.parse(fs.readFileSync(process.argv[2]!, 'utf8')) as MpiJob;
const ranks = await joinRanks();
const rank = ranks?.rank ?? 0;
const write = (line: MpiLine): void => fs.appendFileSync(job.log, `${JSON.stringify(line)}\n`);
const control = new CallControl();
process.on('SIGUSR2', () => control.ask('pause'));
process.on('SIGHUP', () => control.ask('stop'));
write({ rank, size: ranks?.size ?? 1, here: ranks?.here ?? 1, pid: process.pid });
const emit = (event: TrainEvent): void => {
  if (event.type === 'step' && event.step === job.untold) throw new Error('the first process cannot tell');
  write({ event });
};
try {
  const result = await train(job.odd?.rank === rank ? job.odd.spec : job.spec, job.resume, emit, control, ranks);
  write({ rank, result });
  if (ranks) leaveRanks(ranks);
} catch (error) {
  write({ rank, error: toErrorData(error) });
  process.exitCode = 1;
  if (ranks) leaveRanks(ranks, error);
}
