/** One ssh connection to an agent, made when something is asked and made anew after it broke. */
import { spawn, type ChildProcess } from 'node:child_process';
import { GraftError } from '../../src-shared/errors.ts';
import { parseJson } from '../files/parseJson.ts';
import type { AgentError } from './agent/errorData.ts';
import { READY } from './agent/serve.ts';
import { graftErrorOf } from './agentErrors.ts';
import { agentSource } from './agentSource.ts';
import type { Ask } from './ask.ts';
import { agentArguments } from './sshCommand.ts';
import { brokenError, startError, type Ended, type Place } from './sshErrors.ts';

const START_DEADLINE_MS = 60_000;
const DEADLINE_MS = 60_000;
const MOST_STDERR = 64_000;
/** Twice the output that a program may have, in JSON's escapes. */
const MOST_LINE_BYTES = 256 << 20;

interface Session {
  ask(op: string, args: unknown, deadlineMs: number): Promise<unknown>;
  close(): void;
}
interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}
interface AnswerLine {
  id: number;
  value?: unknown;
  error?: AgentError;
}

export function agentLink(place: Place): { ask: Ask; close(): void } {
  let session: Promise<Session> | undefined;
  const connected = (): Promise<Session> => {
    if (session) return session;
    const forget = () => {
      if (session === mine) session = undefined;
    };
    const mine = openSession(place, forget);
    mine.catch(forget);
    session = mine;
    return mine;
  };
  return {
    ask: async (op, args, deadlineMs = DEADLINE_MS) =>
      (await (await connected()).ask(op, args, deadlineMs)) as Awaited<ReturnType<Ask>> as never,
    close: () => {
      void session?.then((open) => open.close()).catch(() => undefined);
      session = undefined;
    },
  };
}

/** Throws HOST_UNKNOWN, HOST_KEY_CHANGED or MACHINE_AWAY. `onEnd`: it is of no more use. */
function openSession(place: Place, onEnd: () => void): Promise<Session> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', agentArguments(place.connection, place.node), { stdio: 'pipe' });
    const waiting = new Map<number, Waiting>();
    let ready = false;
    let stderr = '';
    let notStarted: string | undefined;
    const stop = (reason: string): void => {
      stderr += `\n${reason}`;
      child.kill('SIGKILL');
    };
    const late = setTimeout(() => stop(`no answer within ${START_DEADLINE_MS / 1000} seconds`), START_DEADLINE_MS);
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-MOST_STDERR)));
    // The reason stands in the exit.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => (notStarted = error.message));
    child.on('close', (code) => {
      clearTimeout(late);
      const ended: Ended = { code, stderr, notStarted };
      onEnd();
      reject(startError(ended, place));
      for (const { reject: fail } of waiting.values()) fail(brokenError(ended, place));
    });
    onLines(child, stop, (line) => {
      if (!ready) {
        // What a login script printed may stand before it on the same line.
        ready = line.endsWith(READY);
        if (!ready) return;
        clearTimeout(late);
        return resolve(sessionOf(child, waiting, place));
      }
      const answer = parseJson(line);
      if ('problem' in answer) return stop(`it gave an answer that ${answer.problem}`);
      const { id, value, error } = Object(answer.value) as Partial<AnswerLine>;
      if (id === undefined) return;
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error) asked?.reject(graftErrorOf(error, place.name));
      else asked?.resolve(value);
    });
    const source = Buffer.from(agentSource());
    child.stdin.write(`${source.length}\n`);
    child.stdin.write(source);
  });
}

function sessionOf(child: ChildProcess, waiting: Map<number, Waiting>, place: Place): Session {
  const { name } = place;
  let last = 0;
  return {
    ask: (op, args, deadlineMs) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null || child.signalCode !== null)
          return reject(brokenError({ code: child.exitCode, stderr: '' }, place));
        const id = ++last;
        const late = () => {
          waiting.delete(id);
          const seconds = Math.round(deadlineMs / 1000);
          const sentence = `${name} did not answer within ${seconds} seconds; it may be busy. Try again in a while.`;
          reject(new GraftError('MACHINE_AWAY', sentence, { machine: name, op, deadlineMs }));
        };
        const timer = Number.isFinite(deadlineMs) ? setTimeout(late, deadlineMs) : undefined;
        const settled =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            clearTimeout(timer);
            then(value);
          };
        waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
        child.stdin?.write(`${JSON.stringify({ id, op, args })}\n`);
      }),
    close: () => {
      child.stdin?.end();
      child.kill();
    },
  };
}

function onLines(child: ChildProcess, stop: (reason: string) => void, onLine: (line: string) => void): void {
  let rest: Buffer[] = [];
  let restBytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    let bytes = chunk;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
      const line = Buffer.concat([...rest, bytes.subarray(0, at)]).toString('utf8');
      rest = [];
      restBytes = 0;
      bytes = bytes.subarray(at + 1);
      onLine(line);
    }
    if (bytes.length === 0) return;
    rest.push(bytes);
    restBytes += bytes.length;
    if (restBytes > MOST_LINE_BYTES) stop('it gave an answer that does not end');
  });
}
