/** What a completed run keeps of its end, so that it can be trained further. */
import { toErrorData } from '../../../src-shared/errors.ts';
import { keepEndState } from '../../runfolder/keptStates.ts';
import type { Run } from './run.ts';
import { saveRunState } from './state.ts';

/**
 * The state after the last step, so that the run can be trained further. Not of a whole model, whose state is three
 * times as large as it; and a full disk does not undo a finished run.
 */
export async function saveEndState(run: Run): Promise<void> {
  const { dir, keepsOnlyNewestState, method, optimizer, progress, emit } = run;
  if (keepsOnlyNewestState) return;
  try {
    if ((await saveRunState(dir, method.parameters, optimizer, progress)) === null) keepEndState(dir);
  } catch (error) {
    emit({ type: 'log', message: `This run cannot be trained further: ${toErrorData(error).message}` });
  }
}
