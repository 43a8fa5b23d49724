/** `lab spectrum`, `lab similarity`, `lab amplification`: what adapters learnt, matrix by matrix (docs/lab.md). */
import { usageError } from '../../../src-shared/errors.ts';
import type { AmplificationResult, LabParams, LabProgress } from '../../../src-shared/lab.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import type { Args } from './args.ts';
import { ADAPTER_OPTION, ENGINE_OPTION, MODEL_OPTION, type Command, type Context } from './command.ts';
import { count, table, timeSayer } from './format.ts';
import { baseDirFor, tunedOf } from './resolve.ts';
import { readSettings } from './settingOptions.ts';

export const TUNED_OPTION = {
  ...ADAPTER_OPTION,
  help: `${ADAPTER_OPTION.help}; or the folder of a fully fine-tuned model`,
};
export const LAB_OPTIONS = { adapter: TUNED_OPTION, model: MODEL_OPTION, engine: ENGINE_OPTION };

export const labSpectrum: Command = {
  name: 'lab spectrum',
  positionals: [],
  summary: "Singular values of each matrix's update, and how many of its ranks it really uses.",
  options: LAB_OPTIONS,
  async run(context) {
    const { services, print } = context;
    const { matrices } = await services.workers.once('labSpectrum', await labParams(context), progress(context));
    const rows = matrices.map(({ name, singularValues, effectiveRank, stableRank, energy }) => [
      name,
      String(singularValues.length),
      effectiveRank.toFixed(1),
      stableRank.toFixed(1),
      shown(singularValues[0]!),
      percent(energy[0]!),
      percent(energy[Math.min(3, energy.length - 1)]!),
    ]);
    const header = ['matrix', 'values', 'effective rank', 'stable rank', 'largest', 'energy of 1', 'of 4'];
    for (const line of table(header, rows)) print(line);
    return { matrices };
  },
};

export const labSimilarity: Command = {
  name: 'lab similarity',
  positionals: [],
  summary: 'How much the subspaces of two adapters share, beside what chance gives.',
  options: {
    ...LAB_OPTIONS,
    other: { ...TUNED_OPTION, help: 'the adapter to compare with' },
  },
  async run(context) {
    const { args, services, print } = context;
    const { dir: otherDir } = tunedOf(services, args.required('other', 'the adapter to compare with'));
    const params = { ...(await labParams(context)), otherDir };
    const result = await services.workers.once('labSimilarity', params, progress(context));
    const rows = result.pairs.map(({ name, a, b, randomA, randomB, grassmannA, grassmannB }) => [
      name,
      percent(a[0]?.[0] ?? 0),
      percent(lastOf(a)),
      percent(lastOf(randomA)),
      grassmannA === null ? 'none' : grassmannA.toFixed(3),
      percent(b[0]?.[0] ?? 0),
      percent(lastOf(b)),
      percent(lastOf(randomB)),
      grassmannB === null ? 'none' : grassmannB.toFixed(3),
    ]);
    const of = (side: string): string[] => [`${side}: first`, 'all', 'by chance', 'distance'];
    for (const line of table(['matrix', ...of('A'), ...of('B')], rows)) print(line);
    for (const name of result.onlyInOne) print(`Only one of the two changes ${name}.`);
    return result;
  },
};

export const labAmplification: Command = {
  name: 'lab amplification',
  positionals: [],
  summary: 'Whether updates amplify directions that their weights already emphasise.',
  options: {
    ...LAB_OPTIONS,
    top: { type: 'string', value: 'N', help: "directions of each subspace (the adapter's largest rank)" },
  },
  async run(context) {
    const { args, services, print } = context;
    const top = topOf(args);
    const params = { ...(await labParams(context)), ...(top === undefined ? {} : { top }) };
    const result = await services.workers.once('labAmplification', params, progress(context));
    const rows = result.matrices.map(({ name, deltaNorm, weightNorm, inDelta, inWeight, inRandom, factor }) => [
      name,
      ...[deltaNorm, weightNorm, inDelta, inWeight, inRandom].map(shown),
      factor === null ? 'none' : factor.toFixed(2),
    ]);
    const header = ['matrix', '|dW|', '|W|', 'W in dW', 'W in its own', 'W in random', 'factor'];
    for (const line of table(header, rows)) print(line);
    print(`First ${count(result.top)} directions of each; the factor is |dW| / |W in dW|.`);
    for (const line of table(RANKS_HEADER, result.matrices.map(ranksRow))) print(line);
    return result;
  },
};

const RANKS_HEADER = [
  'matrix',
  'rank of dW',
  'effective',
  'rank of W',
  'effective',
  "dW's first writes to",
  'cosine',
  'reads from',
  'cosine',
];

/** Directions of W are counted from 0, the one of the largest singular value. */
function ranksRow(one: AmplificationResult['matrices'][number]): string[] {
  const known = (value: number | null, digits: number): string => value?.toFixed(digits) ?? 'too wide';
  const first = one.directions?.[0];
  return [
    one.name,
    known(one.deltaRank, 0),
    known(one.deltaEffectiveRank, 1),
    known(one.weightRank, 0),
    known(one.weightEffectiveRank, 1),
    ...[first?.written, first?.read].flatMap((side) =>
      side ? [String(side.index), side.cosine.toFixed(3)] : ['', ''],
    ),
  ];
}

export async function labParams({ args, services }: Context): Promise<LabParams> {
  const adapter = tunedOf(services, args.required('adapter', 'the adapter to look into'));
  const modelDir = baseDirFor(services, args.text('model'), adapter);
  const { engine } = readSettings(args, { engine: COMPUTE_SETTINGS.engine });
  return { engine: await services.engines.resolve(engine), modelDir, adapterDir: adapter.dir };
}

export function topOf(args: Args): number | undefined {
  const top = args.integer('top');
  if (top !== undefined && top < 1) throw usageError('BAD_USAGE', `--top is ${top}; give a whole number from 1 on.`);
  return top;
}

export function progress({ say }: Context): (progress: LabProgress) => void {
  const sayTime = timeSayer(say, 'decomposing');
  return ({ done, total }) => sayTime(done / total);
}

function lastOf(grid: number[][]): number {
  return grid.at(-1)?.at(-1) ?? 0;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function shown(value: number): string {
  return value.toPrecision(4);
}
