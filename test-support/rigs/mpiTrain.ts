/**
 * A process of a run over MPI: `mpirun -np N node mpiTrain.ts JOB.json`. The first process writes every event and the
 * end as a line of JSON to the job's `log`. What `trouble` says happens in one of the processes.
 */
import fs from 'node:fs';
import { leaveRanks } from '../../src-main/worker/train/team.ts';
import { joinRanks } from '../../src-main/mpi/join.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { train } from '../../src-main/worker/train/train.ts';
import { toErrorData, type ErrorData } from '../../src-shared/errors.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import type { TrainEvent, TrainResult } from '../../src-shared/training.ts';
import { prepareTrouble, type Trouble } from './mpiTrouble.ts';

export interface MpiJob {
  spec: RunSpec;
  resume: boolean;
  log: string;
  trouble?: Trouble;
}

export type MpiLine =
  | { event: TrainEvent }
  /** Written by each process, when it has ended. */
  | { rank: number; size: number; result: TrainResult }
  | { rank: number; size: number; error: ErrorData };

const job = JSON.parse(fs.readFileSync(process.argv[2]!, 'utf8')) as MpiJob;
const ranks = await joinRanks();
const [rank, size] = [ranks?.rank ?? 0, ranks?.size ?? 1];
const write = (line: MpiLine): void => fs.appendFileSync(job.log, `${JSON.stringify(line)}\n`);
const control = new CallControl();
const onEvent = job.trouble ? prepareTrouble(job.trouble, rank, control) : () => undefined;
try {
  const emit = (event: TrainEvent): void => {
    write({ event });
    onEvent(event);
  };
  const result = await train(job.spec, job.resume, emit, control, ranks);
  write({ rank, size, result });
  if (ranks) leaveRanks(ranks);
} catch (error) {
  write({ rank, size, error: toErrorData(error) });
  process.exitCode = 1;
  if (ranks) leaveRanks(ranks, error);
}
