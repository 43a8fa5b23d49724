/** `lab compress` and `lab compose`: new adapters made of trained ones (docs/lab.md). */
import path from 'node:path';
import { assertNewFolder } from '../../app/exports/plan.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { COMPOSE_METHODS, type ComposeMethod, type CompressRule } from '../../../src-shared/lab.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import type { Args } from './args.ts';
import type { Command } from './command.ts';
import { bytes, table } from './format.ts';
import { lossData, lossTable, LOSS_OPTIONS } from './labData.ts';
import { numbersPerAdapter } from './perAdapter.ts';
import { LAB_OPTIONS, TUNED_OPTION, labParams, percent, progress, shown } from './lab.ts';
import { baseDirFor, tunedOf } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const labCompress: Command = {
  name: 'lab compress',
  positionals: [],
  summary: 'Writes an adapter of smaller rank that comes nearest to this one, in PEFT format.',
  options: {
    ...LAB_OPTIONS,
    rank: { type: 'string', value: 'N', help: 'ranks of each matrix' },
    energy: { type: 'string', value: 'X', help: "share of each update's energy to keep, such as 0.95" },
    bytes: { type: 'string', value: 'N', help: 'size of the weights, the ranks where they count most' },
    out: { type: 'string', value: 'DIR', help: 'new folder; it must not exist' },
    ...LOSS_OPTIONS,
  },
  async run(context) {
    const { args, services, print } = context;
    const outDir = path.resolve(args.required('out', 'a new folder'));
    const rule = compressRule(args);
    assertNewFolder(outDir, services.home.dir);
    const adapter = tunedOf(services, args.required('adapter', 'the adapter to compress'));
    const datasets = lossData(services, args, [adapter]);
    const params = { ...(await labParams(context)), outDir, rule, datasets };
    const result = await services.workers.once('labCompress', params, progress(context));
    const rows = result.matrices.map(({ name, rank, energy }) => [name, String(rank), percent(energy)]);
    for (const line of table(['matrix', 'rank', 'energy'], rows)) print(line);
    print(
      `${outDir}: ${bytes(result.bytesAfter)} instead of ${bytes(result.bytesBefore)}; the updates differ by ` +
        `${percent(result.relativeError)} of their norm, logits by at most ${shown(result.maxLogitDifference)} ` +
        `(the largest is ${shown(result.maxLogit)}).`,
    );
    const losses = result.losses.map(({ file, before, after }) => ({ file, losses: [before, after] }));
    lossTable(['before', 'after'], losses).forEach(print);
    result.notes.forEach(print);
    return result;
  },
};

function compressRule(args: Args): CompressRule {
  const rule = { rank: args.integer('rank'), energy: args.number('energy'), bytes: args.integer('bytes') };
  const given = Object.entries(rule).filter(([, value]) => value !== undefined);
  if (given.length !== 1)
    throw usageError('BAD_USAGE', 'Give one of --rank, --energy and --bytes: it says how much is kept.');
  const [[name, value]] = given as [[string, number]];
  if (value <= 0 || (name === 'energy' && value > 1))
    throw usageError(
      'BAD_USAGE',
      `--${name} is ${value}; give ${name === 'energy' ? 'a share above 0, at most 1' : 'a whole number from 1 on'}.`,
    );
  return { [name]: value } as CompressRule;
}

export const labCompose: Command = {
  name: 'lab compose',
  positionals: [],
  summary:
    'Adds, subtracts or blends adapters of one base into a new one; all methods but peft-linear act on dW, not on A ' +
    'and B.',
  options: {
    ...LAB_OPTIONS,
    adapter: { ...TUNED_OPTION, multiple: true, help: `${TUNED_OPTION.help}; repeatable` },
    weight: {
      type: 'string',
      multiple: true,
      value: 'X',
      help: 'factor on the adapter, negative to take it away; one per --adapter (1)',
    },
    method: { type: 'string', value: 'NAME', help: `${COMPOSE_METHODS.join(', ')} (linear)` },
    density: { type: 'string', value: 'X', help: 'share of the elements that ties, dare and magnitude keep (0.5)' },
    rank: { type: 'string', value: 'N', help: "ranks of each matrix (the sum of the adapters')" },
    seed: { type: 'string', value: 'N', help: 'of what dare drops (0)' },
    out: { type: 'string', value: 'DIR', help: 'new folder; it must not exist' },
    ...LOSS_OPTIONS,
  },
  async run(context) {
    const { args, services, print } = context;
    const outDir = path.resolve(args.required('out', 'a new folder'));
    const found = args.texts('adapter').map((text) => tunedOf(services, text));
    const weights = numbersPerAdapter(args, 'weight', found.length);
    const [density, rank] = [args.number('density') ?? 0.5, args.integer('rank')];
    const method = args.choice('method', COMPOSE_METHODS) ?? 'linear';
    const [unused] = unusedOptions(method).filter((name) => args.text(name) !== undefined);
    if (unused)
      throw usageError('BAD_USAGE', `--${unused} means nothing to --method ${method}; leave it out or choose another.`);
    if (density <= 0 || density > 1)
      throw usageError('BAD_USAGE', `--density is ${density}; give a share above 0, at most 1.`);
    if (rank !== undefined && rank < 1) throw usageError('BAD_USAGE', `--rank is ${rank}; give 1 or more.`);
    assertNewFolder(outDir, services.home.dir);
    const { engine } = readSettings(args, { engine: COMPUTE_SETTINGS.engine });
    const params = {
      engine: await services.engines.resolve(engine),
      modelDir: baseDirFor(services, args.text('model'), found[0]),
      adapters: found.map(({ dir }, i) => ({ dir, weight: weights[i]! })),
      method,
      density,
      ...(rank === undefined ? {} : { rank }),
      seed: args.integer('seed') ?? 0,
      outDir,
      datasets: lossData(services, args, found),
    };
    const result = await services.workers.once('labCompose', params, progress(context));
    const rows = result.matrices.map(({ name, rank: kept, energy }) => [name, String(kept), percent(energy)]);
    for (const line of table(['matrix', 'rank', 'energy'], rows)) print(line);
    print(`${outDir}: ${bytes(result.bytes)}.`);
    const losses = result.losses.map(({ file, adapters, composed }) => ({ file, losses: [...adapters, composed] }));
    lossTable([...found.map(({ id, dir }) => id ?? path.basename(dir)), 'composed'], losses).forEach(print);
    result.notes.forEach(print);
    return result;
  },
};

function unusedOptions(method: ComposeMethod): string[] {
  if (method === 'peft-linear') return ['density', 'seed', 'rank'];
  if (method === 'linear') return ['density', 'seed'];
  return method === 'dare' || method === 'dare-ties' ? [] : ['seed'];
}
