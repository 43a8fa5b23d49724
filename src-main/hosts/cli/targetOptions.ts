/** A target as the options of `targets add` describe it. */
import path from 'node:path';
import { usageError } from '../../../src-shared/errors.ts';
import {
  REMOTE_KINDS,
  remoteTargetSchema,
  SLURM_OPTIONS,
  type NewRemoteTarget,
  type RemoteTarget,
  type SlurmOption,
} from '../../../src-shared/remoteTargets.ts';
import { bad, type Args, type Options } from './args.ts';

export const TARGET_OPTIONS: Options = {
  kind: { type: 'string', value: 'slurm|ssh', help: 'a cluster with Slurm, or one other machine' },
  host: {
    type: 'string',
    value: 'HOST',
    help: 'host or user@host, as ssh takes it; with slurm, absent: this machine is a login node',
  },
  port: { type: 'string', value: 'N', help: 'port of its ssh (as ssh finds it)' },
  'identity-file': { type: 'string', value: 'FILE', help: 'private key (as ssh finds it)' },
  'ssh-config': { type: 'string', value: 'FILE', help: 'configuration in place of ~/.ssh/config' },
  'work-dir': {
    type: 'string',
    value: 'DIR',
    help: 'folder there for jobs, base models and Graft itself; of a cluster, one that every node sees',
  },
  node: { type: 'string', value: 'PATH', help: 'Node there (node)' },
  graft: { type: 'string', value: 'DIR', help: 'folder there in which Graft is set up (Graft copies itself)' },
  processes: { type: 'string', value: 'N', help: 'processes of one run, which mpirun starts (1)' },
  mpirun: { type: 'string', value: 'PATH', help: 'the program that starts them (mpirun)' },
  threads: { type: 'string', value: 'N', help: 'threads of each process (as many as it finds)' },
  'at-a-time': { type: 'string', value: 'N', help: 'with slurm: runs of a study that run at a time (no limit)' },
  slurm: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: `option of sbatch, such as partition=gpu: ${SLURM_OPTIONS.join(', ')}; repeatable`,
  },
};

const CONNECTION = ['port', 'identity-file', 'ssh-config'] as const;
const SLURM_ONLY = ['slurm', 'at-a-time'] as const;

/** How each field is called on the command line. */
const FLAGS: Record<string, string> = {
  name: 'NAME',
  workDir: '--work-dir',
  atATime: '--at-a-time',
  host: '--host',
  port: '--port',
  identityFile: '--identity-file',
  configFile: '--ssh-config',
};

/** Throws a usage error BAD_USAGE. */
export function targetOf(args: Args): RemoteTarget {
  const kind = args.choice('kind', REMOTE_KINDS);
  if (kind === undefined) throw usageError('BAD_USAGE', '--kind is missing; give slurm or ssh.', { option: 'kind' });
  const { success, data, error } = remoteTargetSchema.safeParse(kind === 'ssh' ? sshOf(args) : slurmOf(args));
  if (success) return data;
  const [issue] = error.issues;
  const names = issue!.path.map(String);
  const field = names[0] === 'options' ? `--slurm ${names[1]}` : (FLAGS[names.at(-1)!] ?? `--${names.at(-1)}`);
  throw usageError('BAD_USAGE', `${field}: ${issue!.message}; correct this value.`, { option: field });
}

function sshOf(args: Args): NewRemoteTarget {
  const strange = SLURM_ONLY.find((name) => args.raw[name] !== undefined);
  if (strange)
    throw usageError('BAD_USAGE', `--${strange} belongs to --kind slurm; leave it out, or choose that.`, {
      option: strange,
    });
  args.required('host', 'the host or user@host, as ssh takes it');
  return { kind: 'ssh', ...commonOf(args), connection: connectionOf(args)! };
}

function slurmOf(args: Args): NewRemoteTarget {
  return {
    kind: 'slurm',
    ...commonOf(args),
    connection: connectionOf(args),
    options: slurmOptionsOf(args),
    atATime: args.integer('at-a-time'),
  };
}

function commonOf(args: Args) {
  return {
    name: args.positionals[0]!,
    workDir: args.required('work-dir', 'a folder there for jobs and base models'),
    node: args.text('node'),
    graft: args.text('graft'),
    processes: args.integer('processes'),
    mpirun: args.text('mpirun'),
    threads: args.integer('threads'),
  };
}

function connectionOf(args: Args) {
  const host = args.text('host');
  const strange = CONNECTION.find((name) => host === undefined && args.raw[name] !== undefined);
  if (strange)
    throw usageError('BAD_USAGE', `--${strange} belongs to --host; name the host too, or leave it out.`, {
      option: strange,
    });
  if (host === undefined) return undefined;
  const local = (name: string): string | undefined => {
    const text = args.text(name);
    return text === undefined ? undefined : path.resolve(text);
  };
  return { host, port: args.integer('port'), identityFile: local('identity-file'), configFile: local('ssh-config') };
}

/** What `--slurm` names. Throws a usage error BAD_USAGE. */
export function slurmOptionsOf(args: Args): Partial<Record<SlurmOption, string>> {
  return Object.fromEntries(args.texts('slurm').map(slurmOption));
}

/** The first equals sign ends the name: a value may hold others, and commas. */
function slurmOption(text: string): [SlurmOption, string] {
  const at = text.indexOf('=');
  const name = SLURM_OPTIONS.find((option) => option === text.slice(0, at));
  if (name === undefined || at === text.length - 1)
    throw bad('slurm', text, `NAME=VALUE, such as partition=gpu, with a name out of ${SLURM_OPTIONS.join(', ')}`);
  return [name, text.slice(at + 1)];
}
