/** `state.json` and `control.json` of a job. */
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { jobControlSchema, type JobControl, type JobState } from '../../src-shared/jobs.ts';
import { parseJson } from '../files/parseJson.ts';
import { writeFileAtomic } from '../files/writeWhole.ts';
import { JOB } from './layout.ts';
import { readOwnText } from './ownFile.ts';
import { jobStateSchema } from './told.ts';

export function writeState(jobDir: string, state: JobState): void {
  writeFileAtomic(path.join(jobDir, JOB.state), `${JSON.stringify(state, null, 1)}\n`);
}

/** Null before anybody has begun. Throws JOB_CHANGED. */
export function readState(jobDir: string): JobState | null {
  const file = path.join(jobDir, JOB.state);
  const text = readOwnText(file);
  return text === null ? null : parseState(text, file);
}

/** `file`: how sentences name it. Throws JOB_CHANGED. */
export function parseState(text: string, file: string): JobState {
  const json = parseJson(text);
  const state = 'value' in json ? jobStateSchema.safeParse(json.value) : undefined;
  if (state?.success) return state.data as JobState;
  throw new GraftError('JOB_CHANGED', `${file} is not what Graft writes there; send the run again.`, { file });
}

/** What is asked of the job now; nothing where nobody has asked, or what stands there is no request. */
export function readControl(jobDir: string): JobControl {
  const text = readOwnText(path.join(jobDir, JOB.control));
  const json = text === null ? undefined : parseJson(text);
  const parsed = json && 'value' in json ? jobControlSchema.safeParse(json.value) : undefined;
  return parsed?.success ? parsed.data : { action: 'none' };
}
