/** Writes an adapter whose updates have fewer ranks, in PEFT's format, and says what that costs. */
import path from 'node:path';
import type { AdapterContent } from '../../adapters/content.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { linearModules, type ArchitectureSpec, type LinearModule } from '../../engine/model/architecture.ts';
import { bytesOfRank, rankBy, ranksWithin, truncated, type Truncated } from '../../lab/compress.ts';
import type { Update } from '../../lab/update.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { writePeftAdapter } from '../../methods/lora/peft.ts';
import type { PeftModules } from '../../methods/lora/peftLayout.ts';
import { loraConfig } from '../../methods/lora/writtenConfig.ts';
import { placeOf, targetsOf } from '../../methods/targets.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { CompressParams, CompressResult, CompressRule } from '../../../src-shared/lab.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { heldOutPrompts } from '../verify/heldOutPrompts.ts';
import { allLogits, largestDifference, withModel } from '../verify/logits.ts';
import { each, examine, withBase, type Emit, type Examined } from './adapters.ts';

interface Small {
  update: Update;
  truncated: Truncated;
  squaredNorm: number;
}

/** Throws LAB_RANK for a rank above a matrix, LAB_BYTES for less than one rank each, and as writing does. */
export async function labCompress(params: CompressParams, emit: Emit): Promise<CompressResult> {
  return withBase(params, async (base) => {
    const { stored, content, updates } = examine(params.adapterDir, base);
    const rankOf = await chooser(params.rule, updates);
    const small = await each(updates, emit, async (update): Promise<Small> => {
      const svd = await update.decompose();
      const squaredNorm = update.squaredNorm();
      return { update, truncated: truncated(svd, rankOf(update, svd.S, squaredNorm), update), squaredNorm };
    });
    const bytesAfter = await write(params.outDir, small, content, stored, base);
    return {
      outDir: path.resolve(params.outDir),
      bytesBefore: stored.sizeBytes,
      bytesAfter,
      matrices: small.map(({ update: { name }, truncated: { rank, kept }, squaredNorm }) => ({
        name,
        rank,
        energy: share(kept, squaredNorm),
      })),
      relativeError: Math.sqrt(
        1 - share(sumOf(small, ({ truncated: { kept } }) => kept), sumOf(small, ({ squaredNorm }) => squaredNorm)),
      ),
      ...(await difference(base, params)),
    };
  });
}

type RankOf = (update: Update, S: Float64Array, squaredNorm: number) => number;

async function chooser(rule: CompressRule, updates: Update[]): Promise<RankOf> {
  if ('bytes' in rule) {
    const spectra = [];
    for (const update of updates) spectra.push({ ...update, S: (await update.decompose()).S });
    const ranks = ranksWithin(rule.bytes, spectra);
    if (ranks) return (update) => ranks[updates.indexOf(update)]!;
    const least = sumOf(updates, (update) => bytesOfRank(update, 1));
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

/** Returns the bytes of the weights' file. */
async function write(
  outDir: string,
  small: Small[],
  content: AdapterContent,
  { graft }: Examined['stored'],
  base: BaseModel,
): Promise<number> {
  const modules: PeftModules = new Map(
    small.map(({ update, truncated: { A, B, rank } }) => {
      const module = wholeModule(update, base.spec);
      const pair = {
        A: { shape: [rank, update.in] as [number, number], data: A },
        B: { shape: [update.out, rank] as [number, number], data: B },
        scale: 1,
        module,
      };
      return [module.module, pair];
    }),
  );
  const settings = settingsOf(modules, content, base.spec);
  const { sizeBytes } = await writePeftAdapter(outDir, {
    config: loraConfig(modules, settings, base),
    modules,
    biases: content.biases,
    score: content.score && { shape: content.score.shape as [number, number], data: content.score.data },
    ...(graft ? { graft: { ...graft, method: settings, createdAt: new Date().toISOString() } } : {}),
  });
  return sizeBytes;
}

/** PEFT adapts a fused layer as a whole. */
function wholeModule({ weight }: Update, spec: ArchitectureSpec): LinearModule {
  return linearModules(spec).find((module) => module.weight === weight.name && !module.slice)!;
}

function settingsOf(modules: PeftModules, content: AdapterContent, spec: ArchitectureSpec): LoraSettings {
  const cells = [...modules.values()];
  const counts = Map.groupBy(cells, ({ A }) => A.shape[0]);
  const [rank] = [...counts].sort((a, b) => b[1].length - a[1].length)[0]!;
  const places = targetsOf(cells, spec);
  const here = new Set(cells.map(({ module }) => module.module));
  const missing = linearModules(spec).filter(
    ({ module, target, layer, slice }) =>
      !slice && places.targets.includes(target) && (places.layers?.includes(layer) ?? true) && !here.has(module),
  );
  const bias = 'bias' in content.settings ? content.settings.bias : undefined;
  return {
    type: 'lora',
    rank,
    alpha: rank,
    dropout: 0,
    init: 'kaiming',
    ...places,
    ...(missing.length > 0 ? { exclude: missing.map(placeOf) } : {}),
    ...(bias ? { bias } : {}),
  };
}

/** Of the logits on a few texts, as base + adapter gives them from both folders. */
async function difference(
  base: BaseModel,
  { modelDir, adapterDir, outDir }: CompressParams,
): Promise<Pick<CompressResult, 'maxLogitDifference' | 'maxLogit'>> {
  const prompts = await heldOutPrompts(modelDir, base.spec, undefined);
  const logitsOf = (dir: string): Promise<Float32Array[]> =>
    withModel(
      base,
      () => loadAdapter(dir, base),
      async (model) => {
        const all: Float32Array[] = [];
        for (const ids of prompts) all.push(await allLogits(model, ids));
        return all;
      },
    );
  const [before, after] = [await logitsOf(adapterDir), await logitsOf(outDir)];
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
