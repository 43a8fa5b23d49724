/** A real Slurm with two nodes on this host, for tests: Debian's slurm-wlm and munge, in a folder of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { aptInstall, debianAsRoot } from '../../scripts/lib/debian.mjs';

const TEMPLATE = path.join(import.meta.dirname, 'slurm.conf');
/** Where Debian has them. */
const PACKAGES: Record<string, string> = {
  munged: 'munge',
  ...Object.fromEntries(['slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol'].map((name) => [name, 'slurm-wlm'])),
  setpriv: 'util-linux',
  mpirun: 'openmpi-bin',
};
const PROGRAMS = Object.keys(PACKAGES).filter((name) => name !== 'mpirun');
/** Debian's daemons lie where a user's PATH may not lead. */
const FOLDERS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];
/** Tells a node's processes from those of the other one, in /proc. */
const NODE_MARK = 'GRAFT_TEST_NODE';
const NODES = ['n1', 'n2'] as const;
const START_LIMIT_MS = 20_000;
const OTHERS_INSTALL_LIMIT_MS = 120_000;

type NodeName = (typeof NODES)[number];

export interface Slurm {
  /** Holds slurm.conf, the logs and all state. */
  dir: string;
  /** What clients of this cluster need in their environment. */
  env: { SLURM_CONF: string };
  /** The node's daemon dies; what it has started lives on, as when the network between the two breaks. */
  stopNode(name: NodeName): Promise<void>;
  /** The node's daemon dies with all that it has started, as when the machine loses power. */
  losePower(name: NodeName): Promise<void>;
  /** The daemon again; resolves when the node can take jobs. */
  startNode(name: NodeName): Promise<void>;
  /** Ends every process of this cluster, and removes its folder. */
  stop(): Promise<void>;
}

/**
 * For a suite's title: why Slurm cannot be started here; empty where it can. Installs it when root on Debian.
 * `more`: programs that the suite needs beside it.
 */
export async function slurmNote(more: 'mpirun'[] = []): Promise<string> {
  const reason = await whyNot([...PROGRAMS, ...more]);
  if (!reason) return '';
  const note = `skipped: ${reason}`;
  console.warn(note); // the reporter does not print titles of skipped suites
  return ` (${note})`;
}

async function whyNot(programs: readonly string[]): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Slurm is tested on Linux only.';
  if (process.getuid?.() !== 0) return 'these tests start Slurm, which takes root.';
  const missing = () => programs.filter((name) => programFile(name) === undefined);
  const packages = [...new Set(missing().map((name) => PACKAGES[name]!))];
  if (packages.length === 0) return undefined;
  if (debianAsRoot() && !(await aptInstall(packages))) {
    // Two test files may want it at once, and apt takes one at a time.
    const until = Date.now() + OTHERS_INSTALL_LIMIT_MS;
    while (missing().length > 0 && Date.now() < until) await sleep(1000);
  }
  return missing().length > 0 ? `no ${missing().join(', ')} here; install ${packages.join(', ')}.` : undefined;
}

const programFile = (name: string): string | undefined =>
  [...FOLDERS, ...(process.env.PATH ?? '').split(':')]
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));

/** `cpusPerNode`: how many jobs, or tasks of one job, a node takes at once. Within 2 s, as a rule. */
export async function startSlurm({ cpusPerNode = 1 }: { cpusPerNode?: number } = {}): Promise<Slurm> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-slurm-'));
  fs.chmodSync(dir, 0o755); // munge's socket is for everybody
  fs.mkdirSync(path.join(dir, 'state'));
  fs.writeFileSync(path.join(dir, 'munge.key'), randomBytes(128), { mode: 0o600 });
  const conf = path.join(dir, 'slurm.conf');
  fs.writeFileSync(conf, configuration(dir, await freePorts(3), cpusPerNode));
  const env = { SLURM_CONF: conf };
  const daemons = new Map<string, ChildProcess>();

  const daemon = (key: string, argv: string[], more: Record<string, string> = {}) =>
    daemons.set(key, startDaemon(argv, { ...env, ...more }, path.join(dir, `${key}.out`)));
  const startSlurmd = (name: NodeName) => daemon(name, ['slurmd', '-D', '-N', name, '-f', conf], { [NODE_MARK]: name });

  const killAll = () => {
    for (const child of daemons.values()) child.kill('SIGKILL');
    while (killed(processesOf(conf)) > 0);
  };
  const removeDir = () => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  const atExit = () => {
    killAll();
    removeDir();
  };
  process.once('exit', atExit);
  const slurm: Slurm = {
    dir,
    env,
    async stopNode(name) {
      await ended(daemons.get(name));
    },
    async losePower(name) {
      await ended(daemons.get(name));
      while (killed(processesOf(conf, name)) > 0);
    },
    async startNode(name) {
      startSlurmd(name);
      await untilReady(env, [name], dir);
    },
    async stop() {
      process.off('exit', atExit);
      killAll();
      await Promise.all([...daemons.values()].map(ended));
      removeDir();
    },
  };
  try {
    daemon('munged', mungedCommand(dir));
    await until(() => fs.existsSync(path.join(dir, 'munge.socket')), 'munged', dir);
    daemon('slurmctld', ['slurmctld', '-D', '-f', conf]);
    NODES.forEach(startSlurmd);
    await untilReady(env, NODES, dir);
    return slurm;
  } catch (error) {
    await slurm.stop();
    throw error;
  }
}

function configuration(dir: string, ports: readonly number[], cpusPerNode: number): string {
  const values: Record<string, string | number> = {
    DIR: dir,
    HOST: os.hostname(),
    CLUSTER: path.basename(dir).toLowerCase(),
    CPUS: cpusPerNode,
    ...Object.fromEntries(ports.map((port, i) => [`PORT${i}`, port])),
  };
  return fs.readFileSync(TEMPLATE, 'utf8').replace(/@([A-Z0-9]+)@/g, (_, name: string) => String(values[name]));
}

/** Its own, with its own key: one that runs already, for the whole system, may have other ideas. */
function mungedCommand(dir: string): string[] {
  const file = (name: string) => path.join(dir, name);
  return [
    'munged',
    '--foreground',
    '--num-threads=2',
    `--socket=${file('munge.socket')}`,
    `--key-file=${file('munge.key')}`,
    `--pid-file=${file('munged.pid')}`,
    `--log-file=${file('munged.log')}`,
    `--seed-file=${file('munged.seed')}`,
  ];
}

/** Ends with this process, even where that is killed. */
function startDaemon([name, ...args]: string[], env: Record<string, string>, outFile: string): ChildProcess {
  const out = fs.openSync(outFile, 'a');
  const child = spawn(programFile('setpriv')!, ['--pdeathsig', 'KILL', programFile(name!)!, ...args], {
    env: { PATH: FOLDERS.join(':'), ...env },
    stdio: ['ignore', out, out],
  });
  fs.closeSync(out);
  return child;
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await end;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What the nodes of this cluster, or one of them, have started: slurmstepd, the jobs and what these start. */
function processesOf(conf: string, node?: string): number[] {
  const marks = (node ? [node] : NODES).flatMap((name) => [`${NODE_MARK}=${name}`, `SLURMD_NODENAME=${name}`]);
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false;
      const variables = environmentOf(pid);
      return variables.includes(`SLURM_CONF=${conf}`) && marks.some((mark) => variables.includes(mark));
    });
}

function environmentOf(pid: number): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}

/** How many of them were still there. */
function killed(pids: readonly number[]): number {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
  }).length;
}

async function untilReady(env: Record<string, string>, names: readonly string[], dir: string): Promise<void> {
  const states = async () => {
    const { stdout } = await promisify(execFile)(programFile('sinfo')!, ['-h', '-N', '-o', '%N %T'], {
      env: { PATH: FOLDERS.join(':'), ...env },
    }).catch(() => ({ stdout: '' }));
    return new Map(stdout.split('\n').map((line) => line.split(' ') as [string, string]));
  };
  await until(
    async () => {
      const found = await states();
      return names.every((name) => /^(idle|mixed|allocated|completing)$/.test(found.get(name) ?? ''));
    },
    `the nodes ${names.join(', ')}`,
    dir,
  );
}

async function until(isSo: () => boolean | Promise<boolean>, what: string, dir: string): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  while (!(await isSo())) {
    if (Date.now() > limit) throw new Error(`Slurm did not start: ${what} did not come up.\n${lastLines(dir)}`);
    await sleep(50);
  }
}

const lastLines = (dir: string) =>
  fs
    .readdirSync(dir)
    .filter((name) => /\.(log|out)$/.test(name))
    .map((name) => `${name}:\n${fs.readFileSync(path.join(dir, name), 'utf8').split('\n').slice(-6).join('\n')}`)
    .join('\n');
