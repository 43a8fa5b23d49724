/** Whether a machine is a login node of a cluster, as a target says of it. */
import { toErrorData } from '../../src-shared/errors.ts';
import type { SlurmTarget, TargetFinding } from '../../src-shared/remoteTargets.ts';
import type { Machine, RunResult } from './machine.ts';

const PROGRAMS = ['sbatch', 'squeue', 'scontrol', 'sinfo', 'scancel'];
const ASK_MS = 30_000;

/** Throws nothing: what fails is a finding. */
export async function checkSlurm(machine: Machine, target: SlurmTarget): Promise<TargetFinding[]> {
  try {
    const programs = await checkPrograms(machine);
    if (programs.state === 'missing') return [programs];
    return [programs, ...(await checkController(machine, target))];
  } catch (error) {
    return [{ what: 'Slurm', state: 'missing', sentence: toErrorData(error).message }];
  }
}

async function checkPrograms(machine: Machine): Promise<TargetFinding> {
  const what = 'Slurm';
  const answers = await Promise.all(PROGRAMS.map((program) => ask(machine, [program, '--version'])));
  // Without a configuration they are there all the same, and do not even tell their version.
  const missing = PROGRAMS.filter((_, i) => answers[i]!.code === null);
  const version = answers[0]!.stdout.trim() || 'Slurm';
  if (missing.length === 0) return { what, state: 'ok', sentence: `${version} is there.` };
  return {
    what,
    state: 'missing',
    sentence: `${machine.name} has no ${missing.join(', ')} on its path, so it is no login node of a Slurm cluster.`,
    mend: 'module load slurm',
  };
}

/** Whether Slurm answers, the partition and its nodes. */
async function checkController(machine: Machine, { options }: SlurmTarget): Promise<TargetFinding[]> {
  const what = 'cluster';
  const { code, stdout, stderr } = await ask(machine, ['sinfo', '--noheader', '--format=%R|%a|%D|%G|%l']);
  if (code !== 0) {
    const said = stderr.trim().split('\n').at(-1) ?? '';
    const sentence = `Slurm's controller does not answer (${said}); ask those who run the cluster.`;
    return [{ what, state: 'missing', sentence, mend: 'scontrol ping' }];
  }
  const partitions = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('|'))
    .map(([name = '', state = '', nodes = '', gres = '', limit = '']) => ({ name, state, nodes, gres, limit }));
  const names = [...new Set(partitions.map(({ name }) => name))];
  const answers: TargetFinding = { what, state: 'ok', sentence: `Slurm answers; its partitions: ${names.join(', ')}.` };
  const wanted = options.partition?.split(',') ?? [];
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const sentence = `There is no partition ${unknown.join(', ')}; there are: ${names.join(', ')}.`;
    return [answers, { what: 'partition', state: 'missing', sentence, mend: 'sinfo --summarize' }];
  }
  const ours = partitions.filter(({ name }) => wanted.includes(name));
  const down = ours.filter(({ state }) => state !== 'up').map(({ name }) => name);
  if (down.length > 0) {
    const sentence = `The partition ${down.join(', ')} takes no jobs now.`;
    return [answers, { what: 'partition', state: 'warning', sentence, mend: 'sinfo --summarize' }];
  }
  const described = ours.map(({ name, nodes, gres, limit }) => `${name}: ${nodes} nodes, ${gres}, at most ${limit}`);
  if (described.length === 0) return [answers];
  return [answers, { what: 'partition', state: 'ok', sentence: `${described.join('; ')}.` }];
}

function ask(machine: Machine, argv: string[]): Promise<RunResult> {
  return machine.run(argv, { timeoutMs: ASK_MS });
}
