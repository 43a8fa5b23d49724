/** Places beside this machine where runs can be trained: a Slurm cluster, or one other machine. */
import { z } from 'zod';

export const REMOTE_KINDS = ['slurm', 'ssh'] as const;
export type RemoteKind = (typeof REMOTE_KINDS)[number];

/** The target of runs that are trained here, by the app itself. */
export const LOCAL_TARGET = 'local';

/**
 * Options of sbatch that a target may set, by their long names. Each goes to sbatch as one argument `--NAME=VALUE`,
 * never through a shell.
 */
export const SLURM_OPTIONS = [
  'partition',
  'account',
  'qos',
  'time',
  'gpus',
  'gres',
  'cpus-per-task',
  'mem',
  'constraint',
  'reservation',
  'nodelist',
  'exclude',
  'nodes',
] as const;
export type SlurmOption = (typeof SLURM_OPTIONS)[number];

const oneLine = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must be one line without control characters');

/** What ssh reads as a host: an alias of ~/.ssh/config, or user@host. */
const hostSchema = oneLine(255).regex(
  /^[A-Za-z0-9_][A-Za-z0-9_.@:%-]*$/,
  'must be a host or user@host, as ssh takes it, and not begin with a dash',
);

/** What stands in the one command line that ssh gives to the other machine's shell. */
export const PLAIN_PATH = /^(~|\/)[A-Za-z0-9_./+@=,:-]*$/;

/** Where there is a shell on the way (ssh), a path is made of letters that no shell reads as anything else. */
const remotePathSchema = oneLine(1024).regex(
  PLAIN_PATH,
  'must begin with / or ~ and consist of letters, digits and the characters _ . / + @ = , : -',
);

const localPathSchema = oneLine(1024).regex(/^\//, 'must begin with /');

const connection = {
  host: hostSchema,
  port: z.number().int().min(1).max(65535).optional(),
  /** A private key; absent: as ssh finds it. */
  identityFile: localPathSchema.optional(),
  /** A configuration file in place of ~/.ssh/config. */
  configFile: localPathSchema.optional(),
};
const connectionSchema = z.object(connection);
export type Connection = z.infer<typeof connectionSchema>;

const common = {
  name: oneLine(40).refine((name) => name !== LOCAL_TARGET, 'is the name of this machine; choose another'),
  /** Folder there for jobs, bases and Graft itself; seen by every node of a cluster under this path. */
  workDir: oneLine(1024),
  /** Node there; absent: `node` on the other machine, the Node that Graft runs on on this one. */
  node: oneLine(1024).optional(),
  /** A folder there in which Graft is set up; absent: Graft copies itself into the work folder. */
  graft: oneLine(1024).optional(),
  /** Processes of one run, which mpirun starts; 1: none but the run's own. */
  processes: z.number().int().min(1).max(1024).default(1),
  /** The program that starts them. */
  mpirun: oneLine(1024).default('mpirun'),
  /** GPUs and threads are taken by each process alone. */
  threads: z.number().int().min(1).max(1024).optional(),
};

const sshTargetSchema = z.object({
  kind: z.literal('ssh'),
  ...common,
  workDir: remotePathSchema,
  node: remotePathSchema.optional(),
  graft: remotePathSchema.optional(),
  connection: connectionSchema,
});

const slurmTargetSchema = z.object({
  kind: z.literal('slurm'),
  ...common,
  /** Absent: this machine is a login node. */
  connection: connectionSchema.optional(),
  options: z.partialRecord(z.enum(SLURM_OPTIONS), oneLine(200)).default({}),
  /** Runs of a study that run at a time: N in --array=0-9%N; absent: as many as the cluster lets. */
  atATime: z.number().int().min(1).max(10_000).optional(),
});

/** With the checks that depend on whether a shell is on the way. */
export const remoteTargetSchema = z
  .discriminatedUnion('kind', [sshTargetSchema, slurmTargetSchema])
  .superRefine((target, { addIssue }) => {
    const schema = target.connection ? remotePathSchema : localPathSchema;
    for (const key of ['workDir', 'node', 'graft'] as const) {
      const value = target[key];
      const problem = value === undefined ? undefined : schema.safeParse(value).error?.issues[0]?.message;
      if (problem) addIssue({ code: 'custom', path: [key], message: problem });
    }
  });
export type RemoteTarget = z.output<typeof remoteTargetSchema>;
export type NewRemoteTarget = z.input<typeof remoteTargetSchema>;
export type SlurmTarget = Extract<RemoteTarget, { kind: 'slurm' }>;
export type SshTarget = Extract<RemoteTarget, { kind: 'ssh' }>;

/** One thing that a target was asked for. */
export interface TargetFinding {
  /** What was looked for, in two or three words. */
  what: string;
  state: 'ok' | 'missing' | 'warning';
  /** What was found, or what is missing and why it matters. */
  sentence: string;
  /** The command, to be typed there, that mends it; absent where none does. */
  mend?: string;
}

export interface TargetCheck {
  findings: TargetFinding[];
  /** Whether runs can be sent there. */
  usable: boolean;
}

/** How busy a target is. */
export interface TargetLoad {
  /** Jobs of everybody that wait and that run, in the partition of the target where it names one; null: not known. */
  waiting: number | null;
  running: number | null;
  /** When Slurm thinks that a job sent now would begin (ISO 8601); null where it does not say. */
  startsAt: string | null;
}
