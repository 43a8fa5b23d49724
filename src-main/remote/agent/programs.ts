/** Programs: run to their end or left to themselves, never through a shell. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { checkOwnFile, NO_FOLLOW } from './ownFiles.ts';
import { lstat, makeSafeFolder, Refusal, resolvePath } from './paths.ts';

const MOST_OUTPUT_BYTES = 32 << 20;

export interface RunArgs {
  argv: readonly string[];
  cwd?: string | undefined;
  input?: string | undefined;
  timeoutMs?: number | undefined;
}

/** Runs a program to its end, without a shell. */
export function runProgram(args: RunArgs, env: NodeJS.ProcessEnv, children: Set<ChildProcess>) {
  const [program = '', ...rest] = args.argv;
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(program.startsWith('~/') ? resolvePath(program) : program, rest, {
      cwd: args.cwd === undefined ? os.homedir() : resolvePath(args.cwd),
      env,
      stdio: 'pipe',
      timeout: args.timeoutMs ?? 0,
      killSignal: 'SIGKILL',
    });
    children.add(child);
    const out = collect(child.stdout, child);
    const err = collect(child.stderr, child);
    let problem = '';
    child.on('error', (error) => (problem ||= error.message));
    // A program that reads nothing of its input is no error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(args.input ?? '');
    child.on('close', (code, signal) => {
      children.delete(child);
      const ended = signal === null ? '' : `ended by ${signal}`;
      resolve({
        code: child.pid === undefined ? null : code,
        stdout: out(),
        stderr: [err(), problem || ended].filter(Boolean).join('\n'),
      });
    });
  });
}

function collect(stream: Readable, child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_OUTPUT_BYTES) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Starts a program in a session of its own, so that it outlives whoever started it. */
export async function startProgram(argv: readonly string[], cwd: string, logFile: string, env: NodeJS.ProcessEnv) {
  makeSafeFolder(path.dirname(logFile));
  const there = lstat(logFile);
  if (there) checkOwnFile(logFile, there);
  const { O_WRONLY, O_APPEND, O_CREAT } = fs.constants;
  const log = fs.openSync(logFile, O_WRONLY | O_APPEND | O_CREAT | NO_FOLLOW, 0o600);
  try {
    checkOwnFile(logFile, fs.fstatSync(log));
    const [program = '', ...rest] = argv;
    const child = spawn(program.startsWith('~/') ? resolvePath(program) : program, rest, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve);
      child.on('error', reject);
    });
    child.unref();
    return { pid: child.pid! };
  } finally {
    fs.closeSync(log);
  }
}

/** Whether a process of this user has this number; one that has ended and waits for its parent does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(checkedPid(pid), 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // "pid (name) state …"; the name may hold anything.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    return false;
  }
}

/** Numbers below 2 name groups of processes, or the first process of the system. */
function checkedPid(pid: number): number {
  if (!Number.isInteger(pid) || pid < 2) throw new Refusal('BAD_INPUT', `${pid} is no number of a process of ours.`);
  return pid;
}

/** SIGTERM goes to the process alone, which then ends its own in order; SIGKILL to all of its group. */
export function signalProcess(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(pid) && signal === 'SIGTERM') return;
  for (const target of signal === 'SIGKILL' ? [-checkedPid(pid), pid] : [pid]) {
    try {
      process.kill(target, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}
