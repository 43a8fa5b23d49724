/** `grow`: one step of the GPT-2 shape over length and over batch, a fresh process for each so that its peak is its own. */
import { Random } from '../../src-main/engine/random.ts';
import type { Context } from '../lib/context.ts';
import { vocabularyOf } from '../lib/models.ts';
import type { CaseResult, Row } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { growthExponent } from './growthExponent.ts';
import { raceTraining } from './training.ts';

interface Size {
  B: number;
  T: number;
}

/** By length at one row, by batch at 64 tokens. */
function sizes(quick: boolean): { byLength: Size[]; byBatch: Size[] } {
  const lengths = quick ? [64, 256] : [64, 128, 256, 512, 1024];
  const batches = quick ? [1, 4] : [1, 2, 4, 8, 16];
  return { byLength: lengths.map((T) => ({ B: 1, T })), byBatch: batches.map((B) => ({ B, T: 64 })) };
}

export async function grow(context: Context): Promise<CaseResult> {
  const { byLength, byBatch } = sizes(context.quick);
  const lengthRows = await raceSizes(context, byLength);
  const batchRows = await raceSizes(context, byBatch);
  const notes = [
    ...exponents(lengthRows, byLength.map(({ T }) => T), 'length'),
    ...exponents(batchRows, byBatch.map(({ B }) => B), 'batch'),
  ];
  return { name: 'grow', what: 'One step, GPT-2-small shape, r = 8 on q and v, all tokens labelled, batch x length.', rows: [...lengthRows, ...batchRows], notes };
}

async function raceSizes(context: Context, all: Size[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { B, T } of all) {
    const random = new Random(5);
    const batch = Array.from({ length: B }, () => randomExample(random, T, T, vocabularyOf('gpt2')));
    const work = { amount: B * T, unit: 'tokens/s' };
    rows.push(...(await raceTraining(context, { variant: `${B} x ${T}`, shape: 'gpt2', targets: ['q', 'v'], batches: [batch], work, rounds: context.quick ? 2 : 4 })).rows);
  }
  return rows;
}

function exponents(rows: Row[], xs: number[], over: string): string[] {
  const systems = [...new Set(rows.map(({ system }) => system))];
  return systems.map((system) => {
    const own = rows.filter((row) => row.system === system);
    const time = growthExponent(xs, own.map((row) => row.time.best));
    const memory = growthExponent(xs, own.map((row) => row.peakBytes!));
    return `${system} over ${over}: time grows as its power ${time.toFixed(2)}, peak memory as ${memory.toFixed(2)}.`;
  });
}
