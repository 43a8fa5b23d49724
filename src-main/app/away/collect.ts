/** Brings what a job has made from its target into the folders of this machine. */
import fs from 'node:fs';
import path from 'node:path';
import type { AwayRun } from '../../catalog/away.ts';
import type { Run } from '../../catalog/runs.ts';
import type { TrainResult } from '../../../src-shared/training.ts';
import { replaceFolder, temporaryNameFor } from '../../files/writeWhole.ts';
import { JOB } from '../../jobs/layout.ts';
import type { Machine } from '../../remote/machine.ts';
import { interimDir } from '../../runfolder/layout.ts';
import { checkResult } from './checkResult.ts';

/**
 * Fetches states and what `result` names; the result with its place on this machine, null where there is none.
 * What is here under the same name is replaced in one step, and only by what has arrived whole. Throws JOB_CHANGED
 * where the weights are not those of `result`.
 */
export async function collect(
  machine: Machine,
  { spec }: Run,
  { jobDir }: Pick<AwayRun, 'jobDir'>,
  result: TrainResult | undefined,
): Promise<TrainResult | null> {
  const inbox = temporaryNameFor(spec.runDir);
  try {
    await machine.fetch(jobDir, inbox, { only: result ? [JOB.runDir, JOB.outDir, JOB.log] : [JOB.runDir, JOB.log] });
    moveInto(path.join(inbox, JOB.runDir), spec.runDir);
    if (fs.existsSync(path.join(inbox, JOB.log)))
      fs.renameSync(path.join(inbox, JOB.log), path.join(spec.runDir, JOB.log));
    if (!result) return null;
    // Its own hash, since what has vanished there meanwhile is not copied.
    if (result.outcome !== 'paused') checkResult(path.join(inbox, JOB.outDir), result.sha256);
    if (result.outcome === 'paused') return { ...result, outDir: interimDir(spec.runDir) };
    fs.mkdirSync(path.dirname(spec.outDir), { recursive: true });
    replaceFolder(path.join(inbox, JOB.outDir), spec.outDir);
    return { ...result, outDir: spec.outDir };
  } finally {
    fs.rmSync(inbox, { recursive: true, force: true });
  }
}

/** Each file and folder of `from` in place of what has its name in `to`. */
function moveInto(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from)) {
    const target = path.join(to, name);
    if (fs.statSync(path.join(from, name)).isDirectory()) replaceFolder(path.join(from, name), target);
    else fs.renameSync(path.join(from, name), target);
  }
}
