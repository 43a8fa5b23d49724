/** What `train --preflight` prints. */
import type { PreflightResult } from '../../../src-shared/plan.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { Context } from './command.ts';
import { bytes, count } from './format.ts';

/** Prints the result and returns it. */
export function reportPreflight({ print }: Pick<Context, 'print'>, result: PreflightResult): PreflightResult {
  const { engine, device, longest, estimate, peakBytes, stepMs, evaluationMs, limitBytes, largest } = result;
  print(
    `${engine} on ${device}, longest batch: ${counted(longest.rows, 'row')}, ` +
      `${counted(longest.tokens, 'token')}, the longest row ${count(longest.longestRow)}`,
  );
  print(`Memory: ${bytes(peakBytes)} measured, ${bytes(estimate.totalBytes)} estimated (${parts(estimate)})`);
  print(
    `A step takes ${stepMs.toFixed(0)} ` +
      `ms${evaluationMs === null ? '' : `, the evaluation of a batch ${evaluationMs.toFixed(0)} ms`}`,
  );
  if (limitBytes === null)
    print(
      'How much memory there is, this engine does not say; with --memory-limit the largest batch, length and ' +
        'rank are looked for.',
    );
  else print(`Into ${bytes(limitBytes)} fit, with all else as it is: ${fitting(largest)}`);
  for (const sentence of [...result.notes, ...result.warnings]) print(sentence);
  return result;
}

function parts({
  processBytes,
  weightBytes,
  trainableBytes,
  gradientBytes,
  momentBytes,
  activationBytes,
}: PreflightResult['estimate']): string {
  const named: [string, number][] = [
    ['process', processBytes],
    ['weights', weightBytes],
    ['trained values', trainableBytes],
    ['gradients', gradientBytes],
    ['moments', momentBytes],
    ['activations', activationBytes],
  ];
  return named.map(([name, size]) => `${name} ${bytes(size)}`).join(', ');
}

function fitting({ batch, maxLength, rank }: PreflightResult['largest']): string {
  const named: [string, number | null][] = [
    ['batch', batch],
    ['length', maxLength],
    ['rank', rank],
  ];
  return named.flatMap(([name, most]) => (most === null ? [] : [`${name} up to ${count(most)}`])).join(', ');
}
