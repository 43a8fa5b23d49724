/** A real sshd on loopback, with keys, a port, a home folder and known hosts of its own. */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Connection } from '../../src-shared/remoteTargets.ts';
import { aptInstall, debianAsRoot } from '../../scripts/lib/debian.mjs';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd'];
const SFTP_SERVER = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/libexec/sftp-server'];

export interface Sshd {
  connection: Connection;
  port: number;
  /** The home folder that a login finds. */
  home: string;
  /** Ends every connection, as a broken network would; the next one is taken again. Gives how many there were. */
  cutConnections(): number;
  /** From now on another key is shown. */
  changeHostKey(): Promise<void>;
  /** What the server has logged. */
  log(): string;
  stop(): Promise<void>;
}

/** Installs Debian's packages of these programs where one is missing and we may; the programs that still are. */
export async function missingPrograms(wanted: Record<string, string>): Promise<string[]> {
  const missing = () => Object.keys(wanted).filter((program) => !isThere(program));
  if (missing().length > 0 && debianAsRoot()) await aptInstall(missing().map((program) => wanted[program]!));
  return missing();
}

function isThere(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin'];
  return folders.some((folder) => fs.existsSync(path.join(folder, program)));
}

/**
 * `shell`: what reads the command line of a login; absent: this user's own. `known`: whether the server's key stands in
 * the known hosts of the client. `environment`: of logins.
 */
export async function startSshd(
  options: { shell?: string; known?: boolean; environment?: Record<string, string> } = {},
): Promise<Sshd> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft sshd '));
  const at = (name: string) => path.join(folder, name);
  const home = at('home');
  fs.mkdirSync(home, { mode: 0o700 });
  for (const name of ['host', 'otherHost', 'user']) makeKey(at(name));
  fs.copyFileSync(at('user.pub'), at('authorized'));
  const port = await freePort();
  // Made by sshd's own package where it is a service.
  if (process.getuid?.() === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  if (options.shell !== undefined) fs.writeFileSync(at('login'), loginScript(options.shell), { mode: 0o755 });
  const environment = { HOME: home, PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...options.environment };
  const config = (hostKey: string) =>
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey "${at(hostKey)}"`,
      'PidFile none',
      'UsePAM no',
      // The folder lies in /tmp, which everybody may write.
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `AuthorizedKeysFile "${at('authorized')}"`,
      `Subsystem sftp ${SFTP_SERVER.find((file) => fs.existsSync(file)) ?? 'internal-sftp'}`,
      `SetEnv ${Object.entries(environment)
        .map(([name, value]) => `"${name}=${value}"`)
        .join(' ')}`,
      ...(options.shell === undefined ? [] : [`ForceCommand "${at('login')}"`]),
      '',
    ].join('\n');
  const start = async (hostKey: string) => {
    fs.writeFileSync(at('sshd_config'), config(hostKey));
    const program = SSHD.find((file) => fs.existsSync(file)) ?? 'sshd';
    const child = spawn(program, ['-D', '-e', '-f', at('sshd_config')], {
      stdio: ['ignore', 'ignore', fs.openSync(at('log'), 'a')],
    });
    await answers(port, () => child.exitCode === null, at('log'));
    return child;
  };
  let server = await start('host');
  const hostKey = fs.readFileSync(at('host.pub'), 'utf8').trim();
  fs.writeFileSync(at('known_hosts'), options.known === false ? '' : `[127.0.0.1]:${port} ${hostKey}\n`);
  fs.writeFileSync(at('config'), `Host *\n  UserKnownHostsFile "${at('known_hosts')}"\n  GlobalKnownHostsFile none\n`);
  const end = async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
  };
  return {
    connection: {
      host: `${os.userInfo().username}@127.0.0.1`,
      port,
      identityFile: at('user'),
      configFile: at('config'),
    },
    port,
    home,
    cutConnections: () => {
      const sessions = childrenOf(server.pid!);
      for (const pid of sessions) process.kill(pid, 'SIGKILL');
      return sessions.length;
    },
    changeHostKey: async () => {
      await end();
      server = await start('otherHost');
    },
    log: () => fs.readFileSync(at('log'), 'utf8'),
    stop: async () => {
      for (const pid of childrenOf(server.pid!)) process.kill(pid, 'SIGKILL');
      await end();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Hands the command line that ssh brought to another shell, as if it were the user's login shell. */
function loginScript(shell: string): string {
  return [
    '#!/bin/sh',
    'case "$SSH_ORIGINAL_COMMAND" in',
    '*sftp-server) exec "$SSH_ORIGINAL_COMMAND" ;;',
    `*) exec ${shell} -c "$SSH_ORIGINAL_COMMAND" ;;`,
    'esac',
    '',
  ].join('\n');
}

function makeKey(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
}

/** Of the sshd that listens: one for each connection. */
function childrenOf(pid: number): number[] {
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return listed
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child!);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function answers(port: number, lives: () => boolean, log: string): Promise<void> {
  const until = Date.now() + 10_000;
  while (Date.now() < until && lives()) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`sshd did not begin to listen: ${fs.readFileSync(log, 'utf8')}`);
}
