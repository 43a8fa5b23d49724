/**
 * EVA (Paischer et al. 2024, arXiv:2410.07170): A starts as the principal components of what each matrix reads, B as
 * zero, and ranks go where a component explains the largest share of its input's variance (section 3.3): within the
 * budget of the ranks asked for, up to rho times as many on one matrix, none on others. The batches of the run are read
 * in turn until every component that is wanted has settled, by PEFT's rules.
 */
import { setImmediate } from 'node:timers/promises';
import type { Batch } from '../../engine/train/batchLoss.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { IncrementalPca } from '../../linalg/incrementalPca.ts';
import { Random } from '../../../src-shared/random.ts';
import type { Probe } from '../probe.ts';
import { placeOf, type AdaptedModule } from '../targets.ts';
import { countedTokens, eachInput, firstReaders } from './inputCapture.ts';

/** tau: the cosine between a component and itself a batch before, from which on it counts as settled. */
const SETTLED = 0.99;
/** Reads of batches after which components that still turn are taken as they are. */
const MOST_READS = 100;

export interface EvaStart {
  rank: number;
  /** (rank, in), row by row. */
  A: Float32Array;
}

interface Reader {
  /** Of the modules, the first that reads this input. */
  place: string;
  k: number;
  pca: IncrementalPca;
  settled: boolean[];
}

/**
 * By place, in the order of `adapted`; rank 0 where no component is worth a rank. rho: most ranks of a matrix, as a
 * multiple of its own.
 */
export async function evaStarts(
  model: Decoder,
  adapted: AdaptedModule[],
  probe: Probe,
  { rho, seed }: { rho: number; seed: number },
): Promise<Map<string, EvaStart>> {
  const first = firstReaders(
    model,
    adapted.map(({ module }) => module),
    probe.batch(0),
  );
  const most = new Map(adapted.map((one) => [placeOf(one.module), mostRanks(one, rho)]));
  const readerOf = (place: string): string => placeOf(first.get(place)!);
  const followers = Map.groupBy(most.keys(), readerOf);
  const readers = new Map(
    [...followers].map(([place, all]): [string, Reader] => {
      const k = Math.max(...all.map((one) => most.get(one)!));
      const random = Random.stream(seed, `eva ${place}`);
      return [place, { place, k, pca: new IncrementalPca(first.get(place)!.inFeatures, k, random), settled: [] }];
    }),
  );
  // PEFT's order, which decides between equal values: first readers, then those that read the same.
  const order = [...readers.keys(), ...[...followers.values()].flatMap((all) => all.slice(1))];
  const budget = adapted.reduce((sum, { rank }) => sum + rank, 0);
  const batches = new Reads(probe, Math.max(...[...readers.values()].map(({ k }) => k)));
  let ranks = new Map(most);
  for (let read = 0; read < MOST_READS; read++) {
    const unsettled = [...readers.values()].filter(
      ({ place, settled }) => !allTrue(settled, ranks.get(place)!) /* the first reader has the highest rank */,
    );
    if (unsettled.length === 0) break;
    const batch = batches.next();
    await readInto(
      unsettled,
      batch,
      model,
      unsettled.map(({ place }) => first.get(place)!),
    );
    await (probe.onBatch?.(read + 1) ?? setImmediate());
    ranks = distributed(
      order.map((place) => ({
        place,
        reader: readerOf(place),
        shares: readers.get(readerOf(place))!.pca.explained.subarray(0, most.get(place)),
      })),
      budget,
    );
  }
  const turning = [...readers.values()].filter(({ place, settled }) => !allTrue(settled, ranks.get(place)!)).length;
  if (turning > 0)
    probe.say?.(`EVA: after ${MOST_READS} batches the inputs of ${turning} matrices still turn; taken as they are.`);
  return new Map(
    adapted.map(({ module }) => {
      const place = placeOf(module);
      const rank = ranks.get(place)!;
      const components = readers.get(readerOf(place))!.pca.components!;
      return [place, { rank, A: Float32Array.from(components.subarray(0, rank * module.inFeatures)) }];
    }),
  );
}

function mostRanks({ module, rank }: AdaptedModule, rho: number): number {
  return Math.min(Math.round(rank * rho), module.inFeatures, module.outFeatures);
}

function allTrue(settled: boolean[], rank: number): boolean {
  for (let i = 0; i < rank; i++) if (!settled[i]) return false;
  return true;
}

/** Batches in turn; several as one where a single one has fewer tokens than components are wanted. */
class Reads {
  private at = 0;
  private readonly probe: Probe;
  private readonly atLeast: number;

  constructor(probe: Probe, atLeast: number) {
    this.probe = probe;
    this.atLeast = atLeast;
  }

  next(): Batch[] {
    const batches: Batch[] = [];
    for (let tokens = 0; tokens < this.atLeast;) {
      const batch = this.probe.batch(this.at++);
      const own = countedTokens(batch).length;
      if (own > 0) batches.push(batch);
      tokens += Math.max(own, 1); // rows without any label end the search, too
    }
    return batches;
  }
}

async function readInto(
  readers: Reader[],
  batches: Batch[],
  model: Decoder,
  modules: Parameters<typeof eachInput>[1],
): Promise<void> {
  const pieces = new Map<string, Float32Array[]>();
  for (const batch of batches)
    await eachInput(model, modules, batch, async (module, rows) => {
      const place = placeOf(module);
      if (batches.length > 1) pieces.set(place, [...(pieces.get(place) ?? []), rows]);
      else
        await updated(
          readers.find((reader) => reader.place === place)!,
          rows,
          rows.length / module.inFeatures,
        );
    });
  for (const [i, module] of modules.entries()) {
    const parts = pieces.get(placeOf(module));
    if (!parts) continue;
    const rows = joined(parts);
    await updated(readers[i]!, rows, rows.length / module.inFeatures);
  }
}

function joined(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function updated(reader: Reader, rows: Float32Array, n: number): Promise<void> {
  const { pca, k } = reader;
  const before = pca.components;
  await pca.update(rows, n);
  const after = pca.components!;
  const width = after.length / k;
  if (before)
    reader.settled = Array.from({ length: k }, (_, i) => {
      let cosine = 0;
      for (let j = i * width; j < (i + 1) * width; j++) cosine += before[j]! * after[j]!;
      return cosine >= SETTLED;
    });
}

interface Candidate {
  place: string;
  reader: string;
  /** Of the input's variance that each component explains, descending. */
  shares: Float64Array;
}

/** Ranks by place: the `budget` largest shares, and of matrices that read the same, the first has the most. */
function distributed(candidates: Candidate[], budget: number): Map<string, number> {
  const shares = candidates.flatMap(({ place, shares }) => [...shares].map((share) => ({ place, share })));
  const chosen = shares.sort((a, b) => b.share - a.share).slice(0, budget);
  const ranks = new Map(candidates.map(({ place }) => [place, 0]));
  for (const { place } of chosen) ranks.set(place, ranks.get(place)! + 1);
  for (const { place, reader } of candidates) {
    const [own, firsts] = [ranks.get(place)!, ranks.get(reader)!];
    if (firsts >= own) continue;
    ranks.set(reader, own).set(place, firsts);
  }
  return ranks;
}
