/** Adds, subtracts and blends adapters of one base into a new one, matrix by matrix. */
import path from 'node:path';
import { composed } from '../../lab/compose.ts';
import { truncated } from '../../lab/compress.ts';
import { denseSvd, productSvd, type Factors, type Update } from '../../lab/update.ts';
import type { Svd } from '../../linalg/svd.ts';
import { dot } from '../../linalg/vectors.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { Random } from '../../../src-shared/random.ts';
import type { ComposeParams, ComposeResult } from '../../../src-shared/lab.ts';
import { each, withBase, type Emit, type Examined } from './adapters.ts';
import { writeLora } from './writeLora.ts';

/** What the adapters do to one matrix; undefined for one that leaves it alone. */
type Column = (Update | undefined)[];

/** Throws LAB_BESIDE for adapters that hold more than updates, and as reading and writing adapters do. */
export async function labCompose(params: ComposeParams, emit: Emit): Promise<ComposeResult> {
  return withBase(params, async ({ base, examine }) => {
    const all = params.adapters.map(({ dir }) => {
      const examined = examine(dir);
      assertOnlyUpdates(examined);
      return examined;
    });
    const byName = all.map(({ updates }) => new Map(updates.map((update) => [update.name, update])));
    const names = new Map(all.flatMap(({ updates }) => updates.map((update) => [update.name, update] as const)));
    const small = await each([...names.values()], emit, async (update) => {
      const column = byName.map((updates) => updates.get(update.name));
      const { svd, squaredNorm } = await combined(column, update, params);
      const useful = Math.max(1, svd.S.filter((value) => value > 0).length);
      const rank = Math.min(params.rank ?? rankSum(column), useful);
      return { update, truncated: truncated(svd, rank, update), squaredNorm };
    });
    const bytes = await writeLora(params.outDir, small, {
      base,
      graft: all.find(({ graft }) => graft)?.graft,
      beside: all[0]!.beside,
    });
    return {
      outDir: path.resolve(params.outDir),
      bytes,
      matrices: small.map(({ update: { name }, truncated: { rank, kept }, squaredNorm }) => ({
        name,
        rank,
        energy: squaredNorm > 0 ? Math.min(1, kept / squaredNorm) : 1,
      })),
    };
  });
}

/** Biases and heads replace those of the base, so there is no sum of two. */
function assertOnlyUpdates({ dir, beside: { biases, score } }: Examined): void {
  if (biases.size === 0 && !score) return;
  throw usageError(
    'LAB_BESIDE',
    `The adapter in ${dir} replaces ${score ? 'the head' : 'biases'} of the base, which cannot be added up; choose ` +
      'adapters of weight matrices alone.',
    { adapter: dir },
  );
}

function rankSum(column: Column): number {
  return column.reduce((sum, update) => sum + (update?.lowRank?.rank ?? DENSE_RANK), 0);
}

/** Ranks that an update without factors counts for. */
const DENSE_RANK = 16;

async function combined(
  column: Column,
  { name, in: inputs, out }: Update,
  { adapters, method, density, seed }: ComposeParams,
): Promise<{ svd: Svd; squaredNorm: number }> {
  const weights = adapters.map(({ weight }) => weight);
  if (method === 'linear' && column.every((update) => !update || update.lowRank)) {
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
