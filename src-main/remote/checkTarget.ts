/** What a target has and what it lacks, one sentence each, with the command that mends it. */
import path from 'node:path';
import { toErrorData } from '../../src-shared/errors.ts';
import type { RemoteTarget, TargetCheck, TargetFinding } from '../../src-shared/remoteTargets.ts';
import { sizeText } from '../files/freeSpace.ts';
import { checkSlurm } from './checkSlurm.ts';
import type { Machine, RunResult } from './machine.ts';
import { isSameSystem, MIN_AGENT_NODE, MIN_JOB_NODE, NODE_HERE, nodeAt } from './nodeThere.ts';
import { absolutePath, installRuntime } from './runtime.ts';

/** Graft itself takes half a gigabyte; a base comes on top of it. */
const LITTLE_SPACE_BYTES = 5e9;
const NO_SPACE_BYTES = 1e9;
const ASK_MS = 30_000;

/** Throws nothing: what fails is a finding. */
export async function checkTarget(machine: Machine, target: RemoteTarget): Promise<TargetCheck> {
  const connection = await checkConnection(machine);
  // Without it there is nothing more to ask.
  if (connection.state === 'missing') return { findings: [connection], usable: false };
  const parts = [
    checkNode,
    checkWorkDir,
    checkSpace,
    ...(target.graft === undefined ? [] : [checkGraft]),
    ...(machine.isLocal ? [] : [checkCopying]),
    ...(target.kind === 'slurm' ? [] : [checkGpu, checkProcessor]),
    ...(target.processes > 1 ? [checkMpirun] : []),
  ];
  const findings = await Promise.all(parts.map((check) => checked(check, machine, target)));
  const slurm = target.kind === 'slurm' ? await checkSlurm(machine, target) : [];
  const all = [connection, ...findings, ...slurm];
  return { findings: all, usable: all.every(({ state }) => state !== 'missing') };
}

type Check = (machine: Machine, target: RemoteTarget) => Promise<TargetFinding>;

async function checked(check: Check, machine: Machine, target: RemoteTarget): Promise<TargetFinding> {
  try {
    return await check(machine, target);
  } catch (error) {
    return { what: WHAT.get(check) ?? 'answer', state: 'missing', sentence: toErrorData(error).message };
  }
}

async function checkConnection(machine: Machine): Promise<TargetFinding> {
  const what = 'connection';
  try {
    const { stdout } = await ask(machine, ['uname', '-srm']);
    return { what, state: 'ok', sentence: `${machine.name} answers (${stdout.trim()}).` };
  } catch (error) {
    // What mends it is typed here, not there, and stands in the sentence.
    return { what, state: 'missing', sentence: toErrorData(error).message };
  }
}

async function checkNode(machine: Machine, target: RemoteTarget): Promise<TargetFinding> {
  const what = 'Node';
  const mend = 'conda install -c conda-forge nodejs=24';
  const there = await nodeAt(machine, target.node ?? (machine.isLocal ? NODE_HERE : 'node'));
  const { version, major, path: file } = there;
  if (major < MIN_AGENT_NODE) {
    const sentence = `Node ${version} (${file}) is older than the ${MIN_AGENT_NODE} that Graft needs there.`;
    return { what, state: 'missing', sentence, mend };
  }
  if (target.graft === undefined && !isSameSystem(there)) {
    const systems = `${there.platform} on ${there.arch}, this machine ${process.platform} on ${process.arch}`;
    const sentence = `It is ${systems}: set Graft up there, and name its folder in the target (graft).`;
    return { what: 'system', state: 'missing', sentence, mend: 'npm run setup && npm run build' };
  }
  if (major >= MIN_JOB_NODE) return { what, state: 'ok', sentence: `Node ${version} (${file}).` };
  if (target.graft !== undefined || machine.isLocal) {
    const sentence = `Node ${version} (${file}) is older than the ${MIN_JOB_NODE} that runs need.`;
    return { what, state: 'missing', sentence, mend };
  }
  const sentence = `Node ${version} (${file}) answers, but runs need ${MIN_JOB_NODE}; Graft brings its own along.`;
  return { what, state: 'warning', sentence, mend };
}

/** The folder that the target names in place of a copy. */
async function checkGraft(machine: Machine, target: RemoteTarget): Promise<TargetFinding> {
  const what = 'Graft';
  const { entry } = await installRuntime(machine, target);
  return { what, state: 'ok', sentence: `${entry} trains the runs.` };
}

async function checkWorkDir(machine: Machine, { workDir }: RemoteTarget): Promise<TargetFinding> {
  const what = 'work folder';
  const dir = await absolutePath(machine, workDir);
  const trial = path.posix.join(dir, '.graft-check');
  try {
    await machine.makeFolder(dir);
    await machine.write(trial, 'Written to see whether it can be.\n');
    await machine.remove(trial);
  } catch (error) {
    const mend = `mkdir -p ${quoted(dir)} && chmod 700 ${quoted(dir)}`;
    return { what, state: 'missing', sentence: toErrorData(error).message, mend };
  }
  const { stdout } = await ask(machine, ['ls', '-ld', dir]);
  const [rights = ''] = stdout.split(/\s/);
  // drwxrwxrwx: the sixth and the ninth letter are what the group and others may write.
  if (rights[5] === 'w' || rights[8] === 'w') {
    const sentence = `Others may write into ${dir} (${rights}), so they could put files into runs.`;
    return { what, state: 'warning', sentence, mend: `chmod go-w ${quoted(dir)}` };
  }
  return { what, state: 'ok', sentence: `${dir} can be written and is yours.` };
}

async function checkSpace(machine: Machine, { workDir }: RemoteTarget): Promise<TargetFinding> {
  const free = await machine.freeBytes(workDir);
  const sentence = `${sizeText(free)} are free in ${workDir}.`;
  const state = free < NO_SPACE_BYTES ? 'missing' : free < LITTLE_SPACE_BYTES ? 'warning' : 'ok';
  const mend = `du -xh --max-depth=1 ~ | sort -h`;
  return { what: 'free space', state, sentence, ...(state === 'ok' ? {} : { mend }) };
}

async function checkCopying(machine: Machine): Promise<TargetFinding> {
  const what = 'rsync';
  const { code, stdout } = await ask(machine, ['rsync', '--version']);
  const version = /version (\S+)/.exec(stdout)?.[1];
  if (code === 0 && version !== undefined) return { what, state: 'ok', sentence: `rsync ${version} copies files.` };
  const sentence = 'There is no rsync there, so files are copied by sftp, which is slower with many files.';
  return { what, state: 'warning', sentence, mend: 'sudo apt install rsync' };
}

async function checkGpu(machine: Machine): Promise<TargetFinding> {
  const what = 'GPU';
  const { code, stdout } = await ask(machine, ['nvidia-smi', '-L']);
  const cards = stdout
    .split('\n')
    .map((line) => /^GPU \d+: (.*?)(?: \(UUID.*)?$/.exec(line)?.[1])
    .filter((card) => card !== undefined);
  if (code === 0 && cards.length > 0) {
    const libraries = await ask(machine, ['/sbin/ldconfig', '-p']);
    const names = cards.join(', ');
    if (libraries.code !== 0 || libraries.stdout.includes('libvulkan.so.1'))
      return { what, state: 'ok', sentence: `${names}.` };
    const sentence = `${names}, but without the Vulkan loader by which the webgpu engine reaches it.`;
    return { what, state: 'warning', sentence, mend: 'sudo apt install libvulkan1' };
  }
  const sentence = 'nvidia-smi finds no NVIDIA card or driver there, so runs are trained on the processor.';
  return { what, state: 'warning', sentence, mend: 'sudo apt install nvidia-driver' };
}

async function checkProcessor(machine: Machine, { node }: RemoteTarget): Promise<TargetFinding> {
  const what = 'processor';
  const question = 'JSON.stringify([os.availableParallelism(), os.totalmem(), os.cpus()[0]?.model ?? ""])';
  const { stdout } = await ask(machine, [node ?? (machine.isLocal ? NODE_HERE : 'node'), '-p', question]);
  const [cores, memoryBytes, model] = JSON.parse(stdout) as [number, number, string];
  const memory = sizeText(memoryBytes);
  return { what, state: 'ok', sentence: `${cores} cores${model.trim() && ` (${model.trim()})`}, ${memory} of memory.` };
}

async function checkMpirun(machine: Machine, { mpirun, processes }: RemoteTarget): Promise<TargetFinding> {
  const what = 'mpirun';
  const { code, stdout, stderr } = await ask(machine, [mpirun, '--version']);
  const [version] = stdout.split('\n');
  if (code === 0 && version) return { what, state: 'ok', sentence: `${version.trim()}.` };
  const sentence = `${mpirun} does not run there (${lastLine(stderr)}), but a run has ${processes} processes.`;
  return { what, state: 'missing', sentence, mend: 'sudo apt install openmpi-bin' };
}

const WHAT = new Map<Check, string>([
  [checkNode, 'Node'],
  [checkWorkDir, 'work folder'],
  [checkGraft, 'Graft'],
  [checkSpace, 'free space'],
  [checkCopying, 'rsync'],
  [checkGpu, 'GPU'],
  [checkProcessor, 'processor'],
  [checkMpirun, 'mpirun'],
]);

function ask(machine: Machine, argv: string[]): Promise<RunResult> {
  return machine.run(argv, { timeoutMs: ASK_MS });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** For a person to type into a shell. */
function quoted(text: string): string {
  return /^[\w./+@=,:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
