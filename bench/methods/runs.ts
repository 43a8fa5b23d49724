/** Many training runs, as many at a time as there are processors: small models do not fill more than one. */
import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { workerEnvironment } from '../../src-main/app/workers/environment.ts';
import { REPOSITORY } from '../lib/places.ts';
import type { OneAnswer, OneRequest } from './one.ts';

const ONE = path.join(REPOSITORY, 'bench', 'methods', 'one.ts');

/** Answers in the order of the requests. `onAnswer` is told each as it comes. */
export async function runAll(
  requests: OneRequest[],
  onAnswer: (request: OneRequest, answer: OneAnswer) => void,
): Promise<OneAnswer[]> {
  const answers: OneAnswer[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const index = next++;
      const request = requests[index]!;
      const { stdout } = await promisify(execFile)(process.execPath, [ONE, JSON.stringify(request)], {
        env: workerEnvironment(),
        maxBuffer: 1 << 26,
      });
      answers[index] = JSON.parse(stdout.trim().split('\n').at(-1)!) as OneAnswer;
      onAnswer(request, answers[index]!);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  return answers;
}
