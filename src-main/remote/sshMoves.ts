/** rsync and sftp of the system, over ssh: they see names of hashes and one folder on each side. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { usageError } from '../../src-shared/errors.ts';
import { askHere } from './askHere.ts';
import type { Ask } from './ask.ts';
import { hostOfPath, rsyncShell, sshOptions } from './sshCommand.ts';
import { transferError, type Place } from './sshErrors.ts';
import { stoppedError, type Move, type MoveFile, type MoveJob } from './transfer.ts';

/** Before it there is no `--append` that can be relied on; other rsyncs (macOS) lack `-s`. */
const RSYNC = /^rsync +version [3-9]/;

export type Tool = 'rsync' | 'sftp';

/** Whether both sides have an rsync. */
export async function toolFor(there: Ask): Promise<Tool> {
  const asked = await Promise.all([askHere(process.env), there].map(hasRsync));
  return asked.every(Boolean) ? 'rsync' : 'sftp';
}

async function hasRsync(side: Ask): Promise<boolean> {
  const { stdout } = await side('run', { argv: ['rsync', '--version'], timeoutMs: 20_000 });
  return RSYNC.test(stdout);
}

export function moveBy(tool: Tool, place: Place): Move {
  return (files, job) => {
    const { connection } = place;
    if (tool === 'rsync') return start('rsync', rsyncArguments(place, job), '', place, job);
    const args = [...sshOptions(connection), '-q', '-b', '-', '--', hostOfPath(connection)];
    return start('sftp', args, sftpBatch(files, job), place, job);
  };
}

/**
 * `--append`: what has arrived is taken as it is, and only the rest is sent; the hashes tell afterwards. `-s`: paths do
 * not go through the shell there.
 */
function rsyncArguments({ connection }: Place, { way, from, to }: MoveJob): string[] {
  const host = hostOfPath(connection);
  const [source, target] = way === 'send' ? [`${from}/`, `${host}:${to}/`] : [`${host}:${globbed(from)}/`, `${to}/`];
  const links = way === 'send' ? '--copy-links' : '--no-links';
  return [
    '-s',
    '-r',
    links,
    '--append',
    '--partial',
    '--timeout=120',
    '-e',
    rsyncShell(connection),
    '--',
    source,
    target,
  ];
}

/** The rsync there looks for wildcards in what it is to send. */
function globbed(folder: string): string {
  return /[*?[\\]/.test(folder) ? folder.replaceAll(/[*?[\]\\]/g, '\\$&') : folder;
}

/** One line for the folders, one for each file; a file that is there whole already is not sent again. */
function sftpBatch(files: readonly MoveFile[], { way, from, to, arrived }: MoveJob): string {
  const [local, remote] = way === 'send' ? [from, to] : [to, from];
  const command = way === 'send' ? 'put' : 'get';
  const lines = files.flatMap(({ sha256, sizeBytes }) => {
    const there = arrived[sha256];
    if (there === sizeBytes) return [];
    return [`${command} ${there !== undefined && there < sizeBytes ? '-a ' : ''}${sha256}`];
  });
  return [`lcd ${sftpQuoted(local)}`, `cd ${sftpQuoted(remote)}`, ...new Set(lines), ''].join('\n');
}

function sftpQuoted(folder: string): string {
  if (/[\u0000-\u001f\u007f]/.test(folder))
    throw usageError(
      'BAD_INPUT',
      `The folder ${JSON.stringify(folder)} has a line break or another control character in its name, which sftp ` +
        'cannot take; rename it, or install rsync on both machines.',
      { folder },
    );
  return `"${folder.replaceAll(/["\\]/g, '\\$&')}"`;
}

function start(program: Tool, args: string[], input: string, place: Place, job: MoveJob): Promise<void> {
  const { from, to, signal } = job;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], cwd: path.parse(process.cwd()).root });
    let stderr = '';
    let notStarted: string | undefined;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-64_000)));
    const stop = () => void child.kill();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    child.on('error', (error) => (notStarted = error.message));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) reject(stoppedError(from, to));
      else if (code === 0) resolve();
      else reject(transferError({ code, stderr, notStarted }, place, from, to));
    });
  });
}
