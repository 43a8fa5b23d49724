/** The other end of threads.ts: what the entry of a thread calls. */
import { parentPort } from 'node:worker_threads';
import { toErrorData, type ErrorData } from '../../src-shared/errors.ts';

/** Signs of progress, then one answer. */
export type ThreadMessage = { progress: unknown } | { result: unknown } | { error: ErrorData };

/** `tell` sends a sign of progress, which starts the deadline anew. */
export function answerQuestions<Q>(answer: (question: Q, tell: (progress: unknown) => void) => unknown): void {
  const post = (message: ThreadMessage): void => parentPort?.postMessage(message);
  const reply = async (question: Q): Promise<void> => {
    try {
      post({ result: await answer(question, (progress) => post({ progress })) });
    } catch (error) {
      post({ error: toErrorData(error) });
    }
  };
  parentPort?.on('message', (question: Q) => void reply(question));
}
