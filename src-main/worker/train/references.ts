/**
 * What the reference thinks of the answers that a run will choose between: measured once, before the first step, with
 * the model as it begins, and kept in the run's folder, so that a run that goes on compares with the same numbers.
 */
import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { castF32 } from '../../safetensors/dtype.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { writeSafetensors } from '../../safetensors/write.ts';
import { systemErrorAbout } from '../../files/systemError.ts';
import type { BatchPlan } from '../../datasets/batchPlan.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { answerLogProbs } from '../../engine/train/preference/answerLogProbs.ts';
import { isPaired } from '../../../src-shared/objectives.ts';
import { referenceFile } from '../../runfolder/layout.ts';
import type { Choices, ReferenceLogProbs, Side } from './choices.ts';
import type { Run } from './run.ts';
import { RowMeter } from './rowMeter.ts';

const SIDES = ['val', 'train'] as const;

interface Wanted extends Pick<Run, 'emit' | 'control'> {
  /** The model as it begins. */
  model: Decoder;
  plan: BatchPlan;
  totalSteps: number;
  batch: number;
  /** Null: nothing is kept. */
  runDir: string | null;
}

/**
 * Fills in `choices.references` for the rows that the run will see; what is known already stays. A pause or a stop
 * ends it early: the run takes no further step then. Throws DISK_FULL, NOT_ALLOWED.
 */
export async function measureReferences(choices: Choices, wanted: Wanted): Promise<void> {
  const { references } = choices;
  if (wanted.runDir !== null) readKept(wanted.runDir, references);
  const todo = SIDES.map((side) => ({ side, rows: rowsToMeasure(choices, side, wanted) }));
  const total = todo.reduce((sum, { rows }) => sum + rows.length, 0);
  if (total === 0) return;
  const meter = new RowMeter('reference', (progress) => wanted.emit({ type: 'loading', ...progress }));
  let done = 0;
  for (const { side, rows } of todo) {
    for (let i = 0; i < rows.length; i += wanted.batch) {
      // Held-out rows are measured even then, since a stop evaluates them.
      if (side === 'train' && (wanted.control.paused || wanted.control.stopped)) break;
      await measure(choices, side, rows.slice(i, i + wanted.batch), wanted.model);
      done += Math.min(wanted.batch, rows.length - i);
      meter.add(done, done, total);
      await setImmediate(); // lets messages in
    }
  }
  if (wanted.runDir !== null) await keep(wanted.runDir, references);
}

async function measure(choices: Choices, side: Side, rows: number[], model: Decoder): Promise<void> {
  const known = choices.references[side];
  const { logProbs } = await answerLogProbs(model, choices.answers(side, rows));
  const others = choices.hasOthers ? (await answerLogProbs(model, choices.others(side, rows))).logProbs : undefined;
  const second = isPaired(choices.objective) ? logProbs.subarray(rows.length) : others;
  rows.forEach((row, i) => {
    known[2 * row] = logProbs[i]!;
    if (second) known[2 * row + 1] = second[i]!;
  });
}

function rowsToMeasure(choices: Choices, side: Side, { plan, totalSteps }: Wanted): number[] {
  const known = choices.references[side];
  const length = choices.lengthOf(side);
  const wanted = new Set<number>();
  if (side === 'val') for (let row = 0; row < length; row++) wanted.add(row);
  else
    for (let step = 1; step <= totalSteps && wanted.size < length; step++)
      for (const row of plan.rowsOf(step).flat()) wanted.add(row);
  return [...wanted].filter((row) => Number.isNaN(known[2 * row])).sort((a, b) => a - b);
}

/** Nothing where the file is not there or is of other rows: then they are measured anew. */
function readKept(runDir: string, references: ReferenceLogProbs): void {
  const file = referenceFile(runDir);
  if (!fs.existsSync(file)) return;
  const source = openSafetensors(file);
  try {
    for (const side of SIDES) {
      const info = source.tensors.get(side);
      if (info?.shape[0] === references[side].length) references[side].set(readTensorF32(info));
    }
  } finally {
    source.close();
  }
}

async function keep(runDir: string, references: ReferenceLogProbs): Promise<void> {
  const file = referenceFile(runDir);
  fs.mkdirSync(runDir, { recursive: true });
  const entries = SIDES.map((name) => ({
    name,
    dtype: 'F32' as const,
    shape: [references[name].length],
    data: () => castF32(references[name], 'F32'),
  }));
  try {
    await writeSafetensors(file, entries);
  } catch (error) {
    throw systemErrorAbout(error, file);
  }
}
