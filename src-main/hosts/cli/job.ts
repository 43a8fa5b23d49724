/** `job export` and `job import`: a run that is carried to another machine by hand, and back. */
import path from 'node:path';
import { usageError } from '../../../src-shared/errors.ts';
import { SCRIPT_KINDS } from '../../jobs/scripts/jobScript.ts';
import type { Command, Context } from './command.ts';
import { bytes } from './format.ts';
import { TARGET_OPTIONS, slurmOptionsOf } from './targetOptions.ts';
import { readRun, RUN_OPTIONS } from './train.ts';

export const jobExport: Command = {
  name: 'job export',
  positionals: ['[RUN]'],
  summary: 'Writes a run as a folder that trains itself elsewhere: all that it needs, and a script to read and start.',
  options: {
    for: { type: 'string', value: 'KIND', help: `what starts it there: ${SCRIPT_KINDS.join(', ')}` },
    out: { type: 'string', value: 'DIR', help: 'new folder' },
    processes: { type: 'string', value: 'N', help: 'processes that train it together, started by mpirun (1)' },
    slurm: TARGET_OPTIONS['slurm']!,
    ...RUN_OPTIONS,
  },
  async run(context) {
    const { args, services, print } = context;
    const kind = args.choice('for', SCRIPT_KINDS);
    if (!kind) throw usageError('BAD_USAGE', `--for is missing; give one of ${SCRIPT_KINDS.join(', ')}.`);
    const outDir = path.resolve(args.required('out', 'a new folder'));
    if (kind !== 'sbatch' && args.raw['slurm'] !== undefined)
      throw usageError('BAD_USAGE', '--slurm belongs to --for sbatch; leave it out, or choose that.');
    const id = await runOf(context);
    const options = { outDir, kind, processes: args.integer('processes'), options: slurmOptionsOf(args) };
    const job = await services.runs.exportJob(id, options);
    print(`${job.dir}: ${bytes(job.sizeBytes)}; ${path.basename(job.script)} says how to start it`);
    print(`When it has ended, bring the folder back: graft job import "${job.dir}"`);
    return { runId: id, ...job };
  },
};

/** The run that is named, or a new one of the options of `train`, which waits. */
async function runOf(context: Context): Promise<string> {
  const [named] = context.args.positionals;
  if (named === undefined) return (await context.services.runs.start(await readRun(context), { begin: false })).id;
  const strange = Object.keys(RUN_OPTIONS).find((name) => context.args.raw[name] !== undefined);
  if (strange === undefined) return context.services.runs.require(named).id;
  throw usageError('BAD_USAGE', `--${strange} means nothing beside a run; it keeps its settings.`, { option: strange });
}

export const jobImport: Command = {
  name: 'job import',
  positionals: ['FOLDER'],
  summary: 'Takes what came back of an exported job into its run: losses, adapter and state, their hashes checked.',
  options: {},
  async run({ args, services, print }) {
    const run = await services.runs.importJob(path.resolve(args.positionals[0]!));
    print(`${run.name}: ${run.status} after step ${run.result?.steps ?? run.interim?.steps ?? 0}`);
    return { run };
  },
};
