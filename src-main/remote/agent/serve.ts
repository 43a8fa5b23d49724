/** The wire of an agent on another machine: requests and answers, one JSON object a line. */
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { errorData } from './errorData.ts';
import { operations } from './operations.ts';
import { Refusal } from './paths.ts';

/** The line with which answers begin: what a login script prints comes before it. */
export const READY = 'GRAFT-AGENT-READY';

/** Answers requests, one JSON object a line, until the input ends; then this process ends with what it runs. */
export function serve(input: Readable, output: Writable, first: Uint8Array): void {
  const children = new Set<ChildProcess>();
  const asked = operations(process.env, children) as Record<string, (args: never) => Promise<unknown>>;
  const answer = async (line: string) => {
    const { id, op, args } = JSON.parse(line) as { id: number; op: string; args: never };
    try {
      if (!Object.hasOwn(asked, op)) throw new Refusal('BAD_INPUT', `This version of the agent cannot do ${op}.`);
      output.write(`${JSON.stringify({ id, value: (await asked[op]!(args)) ?? null })}\n`);
    } catch (error) {
      output.write(`${JSON.stringify({ id, error: errorData(error) })}\n`);
    }
  };
  const end = () => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(0);
  };
  let rest: Buffer[] = [];
  const take = (chunk: Uint8Array) => {
    let bytes = Buffer.from(chunk);
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
      const line = Buffer.concat([...rest, bytes.subarray(0, at)]).toString('utf8');
      rest = [];
      bytes = bytes.subarray(at + 1);
      void answer(line);
    }
    if (bytes.length > 0) rest.push(bytes);
  };
  output.on('error', end);
  output.write(`${READY}\n`);
  take(first);
  input.on('data', take).on('end', end).on('error', end).resume();
}
