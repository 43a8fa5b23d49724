/** Where things lie in the folder of a run. The worker writes them; the main process reads, copies and removes them. */
import path from 'node:path';

/** What the run can go on from. */
const RUN_STATE_FILE = 'checkpoint.safetensors';

const BEST_VALUES = /^best-(\d+)\.safetensors$/;

export function runStateFile(runDir: string): string {
  return path.join(runDir, RUN_STATE_FILE);
}

/** The state after the last step of a completed run, for training it further; a second name of the newest state. */
export function endStateFile(runDir: string): string {
  return path.join(runDir, 'end.safetensors');
}

/** What the trained values began as, where that was found by looking at the data. */
export function startFile(runDir: string): string {
  return path.join(runDir, 'start.safetensors');
}

/** What the reference thinks of the answers that a run chooses between. */
export function referenceFile(runDir: string): string {
  return path.join(runDir, 'reference.safetensors');
}

/** An earlier state that is kept for a look back at a step, and for going on from there otherwise. */
export function keptStateFile(runDir: string, step: number): string {
  return path.join(keptStatesDir(runDir), `step-${step}.safetensors`);
}

export function keptStatesDir(runDir: string): string {
  return path.join(runDir, 'checkpoints');
}

/** The trained values of the best evaluation, which was made after this step. */
export function bestValuesFile(runDir: string, step: number): string {
  return path.join(runDir, `best-${step}.safetensors`);
}

/** The step in the name of such a file; undefined for any other name. */
export function bestValuesStep(name: string): number | undefined {
  const step = BEST_VALUES.exec(name)?.[1];
  return step === undefined ? undefined : Number(step);
}

/** What a pause leaves to be tried out: an adapter folder, or a model folder for full fine-tuning. */
export function interimDir(runDir: string): string {
  return path.join(runDir, 'interim');
}

/** Where the next one is written before it takes the old one's place. */
export function interimInTheMaking(runDir: string): string {
  return path.join(runDir, 'interim-next');
}
