/** Writes an adapter whose updates have fewer ranks, in PEFT's format, and says what that costs. */
import path from 'node:path';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { bytesOfRank, rankBy, ranksWithin, truncated } from '../../lab/compress.ts';
import type { Update } from '../../lab/update.ts';
import type { Adapter } from '../../methods/adapter.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { CompressParams, CompressResult, CompressRule } from '../../../src-shared/lab.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { allLogits, largestDifference, withModel } from '../verify/logits.ts';
import { each, withBase, type Emit, type Examined } from './adapters.ts';
import { Losses } from './losses.ts';
import { cutNotes, fewerRanksNotes } from './notes.ts';
import { writeLora, type SmallUpdate } from './writeLora.ts';

interface Small extends SmallUpdate {
  squaredNorm: number;
}

/** Throws LAB_RANK for a rank above a matrix, LAB_BYTES for less than one rank each, and as writing does. */
export async function labCompress(params: CompressParams, emit: Emit): Promise<CompressResult> {
  return withBase(params, async ({ base, examine }) => {
    const examined = examine(params.adapterDir);
    const { graft, beside, updates, notes } = examined;
    const rankOf = await chooser(params.rule, updates, beside);
    const losses = new Losses(params);
    await losses.before([params.adapterDir], params.datasets ?? []);
    const small = await each(updates, emit, async (update): Promise<Small> => {
      const svd = await update.decompose();
      const { squaredNorm } = svd;
      return { update, truncated: truncated(svd, rankOf(update, svd.S, squaredNorm), update), squaredNorm };
    });
    const bytesAfter = await writeLora(params.outDir, small, { base, graft, beside });
    return {
      outDir: path.resolve(params.outDir),
      bytesBefore: examined.sizeBytes,
      bytesAfter,
      matrices: small.map(({ update: { name }, truncated: { rank, kept }, squaredNorm }) => ({
        name,
        rank,
        energy: share(kept, squaredNorm),
      })),
      relativeError: Math.sqrt(
        1 -
          share(
            sumOf(small, ({ truncated: { kept } }) => kept),
            sumOf(small, ({ squaredNorm }) => squaredNorm),
          ),
      ),
      ...(await difference(base, examined, params)),
      losses: (await losses.after(params.outDir)).map(({ file, before, after }) => ({
        file,
        before: before[0]!,
        after,
      })),
      notes: [
        ...notes,
        ...cutNotes(updates.filter(({ lowRank }) => !lowRank)),
        ...fewerRanksNotes(
          'rank' in params.rule ? params.rule.rank : undefined,
          small.map(({ truncated: { rank } }) => rank),
        ),
        ...losses.notes,
      ],
    };
  });
}

/** At most what the file holds beside A and B: their names, shapes and places in its header, biases and a head. */
function bytesAround(updates: Update[], { biases, score }: Examined['beside']): number {
  const tensor = (name: string): number => name.length + 115;
  const more = [...biases.values(), ...(score ? [score.data] : [])];
  return 100 + sumOf(updates, ({ name }) => 2 * tensor(name)) + sumOf(more, (values) => 200 + 4 * values.length);
}

type RankOf = (update: Update, S: Float64Array, squaredNorm: number) => number;

async function chooser(rule: CompressRule, updates: Update[], beside: Examined['beside']): Promise<RankOf> {
  if ('bytes' in rule) {
    const spectra = [];
    for (const update of updates) spectra.push({ ...update, ...(await update.singularValues()) });
    const around = bytesAround(updates, beside);
    const ranks = ranksWithin(rule.bytes - around, spectra);
    if (ranks) return (update) => ranks[updates.indexOf(update)]!;
    const least = around + sumOf(updates, (update) => bytesOfRank(update, 1));
    throw usageError(
      'LAB_BYTES',
      `Rank 1 for each of the ${updates.length} matrices already takes ${least} bytes; allow at least as much.`,
      { bytes: rule.bytes, least },
    );
  }
  const narrow = 'rank' in rule && updates.find((update) => rule.rank > Math.min(update.in, update.out));
  if (narrow)
    throw usageError(
      'LAB_RANK',
      `${narrow.name} is ${narrow.out} x ${narrow.in} and so has no rank ${rule.rank}; choose at most ` +
        `${Math.min(narrow.out, narrow.in)}.`,
      { rank: rule.rank, name: narrow.name },
    );
  return (_, S, squaredNorm) => rankBy(rule, S, squaredNorm);
}

/** Of the logits on a few texts, as base + adapter, or the whole model, gives them before and after. */
async function difference(
  base: BaseModel,
  { dir, tuned }: Examined,
  { modelDir, outDir }: CompressParams,
): Promise<Pick<CompressResult, 'maxLogitDifference' | 'maxLogit'>> {
  const prompts = await heldOutPrompts(modelDir, base.spec, undefined);
  const logitsOf = (model: BaseModel, load: () => Adapter | null): Promise<Float32Array[]> =>
    withModel(model, load, async (decoder) => {
      const all: Float32Array[] = [];
      for (const ids of prompts) all.push(await allLogits(decoder, ids));
      return all;
    });
  const before = await (tuned ? logitsOf(tuned, () => null) : logitsOf(base, () => loadAdapter(dir, base)));
  const after = await logitsOf(base, () => loadAdapter(outDir, base));
  return {
    maxLogitDifference: Math.max(...before.map((logits, i) => largestDifference(logits, after[i]!))),
    maxLogit: Math.max(...before.map((logits) => logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0))),
  };
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, part / whole) : 1;
}

function sumOf<T>(list: T[], value: (one: T) => number): number {
  return list.reduce((sum, one) => sum + value(one), 0);
}
