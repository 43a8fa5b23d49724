/** Puts the machine's peak beside a case whose rows say how much arithmetic they do. */
import type { Context } from '../lib/context.ts';
import type { CaseResult } from '../lib/result.ts';

export async function withPeak(context: Context, result: CaseResult): Promise<CaseResult> {
  const { flopsPerSecond, note } = await context.peak();
  return { ...result, peakFlopsPerSecond: flopsPerSecond, notes: [...result.notes, note] };
}
