/** A target as the fields of its form hold it, and what of them cannot be used as it stands. */
import {
  remoteTargetSchema,
  SLURM_OPTIONS,
  type NewRemoteTarget,
  type RemoteKind,
  type RemoteTarget,
  type SlurmOption,
} from '../../../../src-shared/remoteTargets.ts';

/** Texts as they are typed, empty for none; numbers undefined for none. */
export interface TargetFields {
  kind: RemoteKind;
  name: string;
  host: string;
  port: number | undefined;
  identityFile: string;
  configFile: string;
  workDir: string;
  node: string;
  graft: string;
  processes: number | undefined;
  mpirun: string;
  threads: number | undefined;
  atATime: number | undefined;
  options: Record<SlurmOption, string>;
}

/** Problems by field, those of Slurm's options as `options.NAME`. */
export type TargetProblems = Readonly<Record<string, string>>;

/** Options that most clusters ask for; the others are folded away. */
export const COMMON_OPTIONS = ['partition', 'account', 'time', 'gpus'] as const satisfies readonly SlurmOption[];
export const OTHER_OPTIONS = SLURM_OPTIONS.filter((name) => !COMMON_OPTIONS.some((common) => common === name));

/** Fields that are folded away. */
const FOLDED: readonly (keyof TargetFields)[] = [
  'port',
  'identityFile',
  'configFile',
  'node',
  'graft',
  'processes',
  'mpirun',
  'threads',
  'atATime',
];

export function emptyFields(kind: RemoteKind = 'slurm'): TargetFields {
  return {
    ...{
      kind,
      name: '',
      host: '',
      port: undefined,
      identityFile: '',
      configFile: '',
      workDir: '',
      node: '',
      graft: '',
    },
    ...{ processes: undefined, mpirun: '', threads: undefined, atATime: undefined },
    options: Object.fromEntries(SLURM_OPTIONS.map((name) => [name, ''])) as TargetFields['options'],
  };
}

/** What is as it is by itself stays empty. */
export function fieldsOf(target: RemoteTarget): TargetFields {
  const { connection, processes, mpirun } = target;
  const empty = emptyFields(target.kind);
  return {
    ...empty,
    name: target.name,
    host: connection?.host ?? '',
    port: connection?.port,
    identityFile: connection?.identityFile ?? '',
    configFile: connection?.configFile ?? '',
    workDir: target.workDir,
    node: target.node ?? '',
    graft: target.graft ?? '',
    processes: processes === 1 ? undefined : processes,
    mpirun: mpirun === 'mpirun' ? '' : mpirun,
    threads: target.threads,
    ...(target.kind === 'slurm' ? { atATime: target.atATime, options: { ...empty.options, ...target.options } } : {}),
  };
}

/** The target, or why not. Fields of the other kind are left out. */
export function targetFrom(fields: TargetFields): { target: RemoteTarget } | { problems: TargetProblems } {
  const { success, data, error } = remoteTargetSchema.safeParse(inputOf(fields));
  const problems: Record<string, string> = {};
  for (const { path, ...issue } of error?.issues ?? []) {
    const field = path[0] === 'options' ? path.join('.') : String(path.at(-1));
    problems[field] ??= sentenceOf(issue);
  }
  if (lacksHost(fields)) problems['host'] = 'Name the host to which the rest belongs.';
  return success && Object.keys(problems).length === 0 ? { target: data } : { problems };
}

/** Whether a field that is folded away is filled in, or has a problem. */
export function needsFold(fields: TargetFields, problems: TargetProblems): boolean {
  const others = fields.kind === 'slurm' ? OTHER_OPTIONS : [];
  return (
    FOLDED.some((name) => (fields[name] !== '' && fields[name] !== undefined) || problems[name] !== undefined) ||
    others.some((name) => fields.options[name].trim() !== '' || problems[`options.${name}`] !== undefined)
  );
}

/** With Slurm no host means this machine, which has no port and no key. */
function lacksHost({ kind, host, port, identityFile, configFile }: TargetFields): boolean {
  return kind === 'slurm' && host.trim() === '' && (port !== undefined || identityFile !== '' || configFile !== '');
}

function inputOf(fields: TargetFields): NewRemoteTarget {
  const { kind, host, port, atATime } = fields;
  const text = (value: string) => (value.trim() === '' ? undefined : value);
  const connection = { host, port, identityFile: text(fields.identityFile), configFile: text(fields.configFile) };
  const common = {
    name: fields.name,
    workDir: fields.workDir,
    node: text(fields.node),
    graft: text(fields.graft),
    processes: fields.processes,
    mpirun: text(fields.mpirun),
    threads: fields.threads,
  };
  if (kind === 'ssh') return { kind, ...common, connection };
  const options = Object.entries(fields.options).filter(([, value]) => value.trim() !== '');
  return {
    ...{ kind, ...common, options: Object.fromEntries(options), atATime },
    ...(host.trim() === '' ? {} : { connection }),
  };
}

type Issue = { code?: string | undefined; message: string; origin?: unknown; maximum?: unknown; minimum?: unknown };

/** In the page's language: what zod itself says is English, what the schema says is in the catalogue. */
function sentenceOf({ code, message, origin, maximum }: Issue): string {
  if (code === 'too_small' && origin === 'string') return 'This is needed.';
  if (code === 'too_big' && origin === 'string') return `At most ${String(maximum)} characters.`;
  if (code === 'too_big') return `At most ${String(maximum)}.`;
  if (code === 'too_small' || code === 'invalid_type') return 'A whole number from 1 on.';
  return message.charAt(0).toUpperCase() + message.slice(1);
}
