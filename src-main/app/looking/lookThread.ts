/** Entry of a thread that looks at folders for the main process (look.ts): one question at a time. */
import { parentPort } from 'node:worker_threads';
import { toErrorData, type ErrorData } from '../../../src-shared/errors.ts';
import { looks, type LookName } from './looks.ts';

export interface LookQuestion {
  name: LookName;
  args: unknown[];
}

export type LookAnswer = { result: unknown } | { error: ErrorData };

parentPort?.on('message', ({ name, args }: LookQuestion) => {
  const answer = (value: LookAnswer): void => parentPort?.postMessage(value);
  try {
    // Both ends are compiled against the same table of looks.
    answer({ result: (looks[name] as (...args: unknown[]) => unknown)(...args) });
  } catch (error) {
    answer({ error: toErrorData(error) });
  }
});
