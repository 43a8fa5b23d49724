/** Adds, subtracts and blends adapters of one base into a new one, matrix by matrix. */
import path from 'node:path';
import { composed, type ComposeRule } from '../../lab/compose.ts';
import { truncated } from '../../lab/compress.ts';
import { peftLinear, type LowRank } from '../../lab/peftLinear.ts';
import { denseSvd, productSvd, type Factors, type Update } from '../../lab/update.ts';
import type { Svd } from '../../linalg/svd.ts';
import { dot } from '../../linalg/vectors.ts';
import { type GraftError, usageError } from '../../../src-shared/errors.ts';
import { Random } from '../../../src-shared/random.ts';
import type { ComposeParams, ComposeResult } from '../../../src-shared/lab.ts';
import { each, withBase, type Emit, type Examined } from './adapters.ts';
import { Losses } from './losses.ts';
import { cutNotes, endTokenNotes, energyNotes, fewerRanksNotes, zeroNotes } from './notes.ts';
import { writeLora, type SmallUpdate } from './writeLora.ts';

/** What the adapters do to one matrix; undefined for one that leaves it alone. */
type Column = (Update | undefined)[];

/**
 * Throws LAB_BESIDE for adapters that hold more than updates, LAB_NOT_BLENDABLE for what PEFT's linear cannot blend,
 * and as reading and writing adapters do.
 */
export async function labCompose(params: ComposeParams, emit: Emit): Promise<ComposeResult> {
  return withBase(params, async ({ base, examine }) => {
    const all = params.adapters.map(({ dir }) => {
      const examined = examine(dir);
      assertOnlyUpdates(examined);
      return examined;
    });
    const byName = all.map(({ updates }) => new Map(updates.map((update) => [update.name, update])));
    const names = new Map(all.flatMap(({ updates }) => updates.map((update) => [update.name, update] as const)));
    const columns = [...names.keys()].map((name) => byName.map((updates) => updates.get(name)));
    if (params.method === 'peft-linear') refuseUnblendable([...names.keys()], columns, params.adapters);
    const losses = new Losses(params);
    await losses.before(
      all.map(({ dir }) => dir),
      params.datasets ?? [],
    );
    const small = await each([...names.values()], emit, (update) =>
      composedUpdate(
        update,
        byName.map((updates) => updates.get(update.name)),
        params,
      ),
    );
    const graft = all.find((one) => one.graft)?.graft;
    const bytes = await writeLora(params.outDir, small, { base, graft, beside: all[0]!.beside });
    return {
      outDir: path.resolve(params.outDir),
      bytes,
      matrices: small.map(({ update: { name }, truncated: { rank }, energy }) => ({ name, rank, energy })),
      losses: (await losses.after(params.outDir)).map(({ file, before, after }) => ({
        file,
        adapters: before,
        composed: after,
      })),
      notes: [
        ...new Set(all.flatMap(({ notes }) => notes)),
        ...cutNotes(
          columns.filter((column) => !isFactored(column, params.method)).map((column) => column.find(Boolean)!),
        ),
        ...fewerRanksNotes(
          params.rank,
          small.map(({ truncated: { rank } }) => rank),
        ),
        ...energyNotes(
          params.rank,
          small.map(({ energy }) => energy),
        ),
        ...zeroNotes(small.map((one) => one.truncated)),
        ...endTokenNotes(graft, all),
        ...losses.notes,
      ],
    };
  });
}

interface Composed extends SmallUpdate {
  /** Share of the combined ||dW||_F^2 that is kept. */
  energy: number;
}

async function composedUpdate(update: Update, column: Column, params: ComposeParams): Promise<Composed> {
  const { method, adapters } = params;
  if (method === 'peft-linear') {
    const parts = column.flatMap((one, k) => (isLowRank(one) ? [{ update: one, weight: adapters[k]!.weight }] : []));
    return { update, truncated: peftLinear(parts), energy: 1 };
  }
  const { svd, squaredNorm } = await combined(column, update, { ...params, method });
  if (!(squaredNorm < MOST_NORM ** 2))
    throw usageError(
      'RESULT_NOT_FINITE',
      `${update.name} would hold values that float32 cannot; choose smaller weights.`,
      { name: update.name },
    );
  const useful = Math.max(1, svd.S.filter((value) => value > 0).length);
  const cut = truncated(svd, Math.min(params.rank ?? rankSum(column), useful), update);
  return { update, truncated: cut, energy: squaredNorm > 0 ? Math.min(1, cut.kept / squaredNorm) : 1 };
}

function isLowRank(update: Update | undefined): update is Update & LowRank {
  return update?.lowRank !== undefined;
}

/** Whether the factors are placed side by side, and nothing is multiplied out. */
function isFactored(column: Column, method: ComposeParams['method']): boolean {
  if (method !== 'linear' && method !== 'peft-linear') return false;
  return column.every((update) => !update || update.lowRank);
}

/** PEFT blends A with A and B with B by square roots of the weights. */
function refuseUnblendable(names: string[], columns: Column[], adapters: ComposeParams['adapters']): void {
  const negative = adapters.find(({ weight }) => weight < 0);
  if (negative)
    throw notBlendable(`the weight ${negative.weight} of ${negative.dir} has no square root`, 'a weight of 0 or more');
  columns.forEach((column, i) => {
    const there = column.filter((update) => update !== undefined);
    if (!there.every(isLowRank)) throw notBlendable(`an update of ${names[i]} has no A and B`, 'plain LoRA adapters');
    const ranks = [...new Set(there.map(({ lowRank }) => lowRank!.rank))];
    if (ranks.length > 1)
      throw notBlendable(`${names[i]} has the ranks ${ranks.join(' and ')}`, 'adapters of equal ranks');
  });
}

function notBlendable(why: string, choose: string): GraftError {
  return usageError(
    'LAB_NOT_BLENDABLE',
    `peft-linear blends A and B one by one, but ${why}; choose ${choose}, or the method linear, which adds updates.`,
  );
}

/** Biases, heads and embeddings replace those of the base, so there is no sum of two. */
function assertOnlyUpdates({ dir, beside: { biases, score, replaced } }: Examined): void {
  const [own] = replaced?.keys() ?? [];
  if (biases.size === 0 && !score && own === undefined) return;
  throw usageError(
    'LAB_BESIDE',
    `The adapter in ${dir} replaces ${score ? 'the head' : (own ?? 'biases')} of the base, which cannot be added ` +
      'up; choose adapters of weight matrices alone.',
    { adapter: dir },
  );
}

function rankSum(column: Column): number {
  return column.reduce((sum, update) => sum + (update?.lowRank?.rank ?? DENSE_RANK), 0);
}

/** Of an update whose products stay in float32 wherever they are computed. */
const MOST_NORM = 1e18;

/** Ranks that an update without factors counts for. */
const DENSE_RANK = 16;

async function combined(
  column: Column,
  { name, in: inputs, out }: Update,
  { adapters, method, density, seed }: Omit<ComposeParams, 'method'> & Pick<ComposeRule, 'method'>,
): Promise<{ svd: Svd; squaredNorm: number }> {
  const weights = adapters.map(({ weight }) => weight);
  if (isFactored(column, method)) {
    const svd = productSvd(joined(column, weights), out, inputs);
    return { svd, squaredNorm: dot(svd.S, svd.S) };
  }
  const updates = column.map((update) => update?.dense() ?? new Float64Array(inputs * out));
  const sum = composed(updates, { method, weights, density }, Random.stream(seed, `dare ${name}`));
  return { svd: await denseSvd(sum, out, inputs, name), squaredNorm: dot(sum, sum) };
}

/** The weighted sum of products as one product, by placing the factors side by side. */
function joined(column: Column, weights: number[]): Factors {
  const parts = column.flatMap((update, k) => {
    if (!update) return [];
    const { left, right } = update.lowRank!.factors();
    return [{ left: left.map((values) => values.map((x) => weights[k]! * x)), right }];
  });
  return { left: parts.flatMap(({ left }) => left), right: parts.flatMap(({ right }) => right) };
}
