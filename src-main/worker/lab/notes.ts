/** What a new adapter is otherwise than one would expect, a sentence each. */
import type { Truncated } from '../../lab/compress.ts';
import { OF_LARGER, WHOLE_UP_TO, type Update } from '../../lab/update.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { Examined } from './adapters.ts';

/** Of updates that are decomposed as they stand, though they have no factors. */
export function cutNotes(dense: Pick<Update, 'in' | 'out'>[]): string[] {
  const wide = dense.filter((update) => Math.min(update.in, update.out) > WHOLE_UP_TO).length;
  if (wide === 0) return [];
  const whose = wide === 1 ? 'One update without factors is' : `${wide} updates without factors are`;
  return [`${whose} wider than ${WHOLE_UP_TO}, so only the ${OF_LARGER} largest singular values are taken.`];
}

/** Where an update has fewer ranks than were asked for. */
export function fewerRanksNotes(asked: number | undefined, ranks: number[]): string[] {
  const fewer = asked === undefined ? 0 : ranks.filter((rank) => rank < asked).length;
  if (fewer === 0) return [];
  const matrices = counted(fewer, ['matrix', 'matrices']);
  return [`${matrices} of ${ranks.length} got fewer than ${asked} ranks, since the updates there have no more.`];
}

/** Where matrices keep only a part of the combination though no rank was asked for. */
export function energyNotes(asked: number | undefined, energies: number[]): string[] {
  const less = asked === undefined ? energies.filter((energy) => energy < 1 - 1e-6) : [];
  if (less.length === 0) return [];
  const matrices = counted(less.length, ['matrix', 'matrices']);
  const least = `${(100 * Math.min(...less)).toFixed(1)} %`;
  return [`${matrices} of ${energies.length} keep only a part of their energy (the least ${least}); give more ranks.`];
}

/** Where nothing is left. */
export function zeroNotes(matrices: Pick<Truncated, 'B'>[]): string[] {
  const zero = matrices.filter(({ B }) => !B.some(Boolean)).length;
  if (zero === 0) return [];
  return [`${counted(zero, ['matrix', 'matrices'])} of ${matrices.length} came out as zero and change nothing.`];
}

/** Where adapters were taught other end tokens than the one whose are kept. */
export function endTokenNotes(kept: Examined['graft'], all: Examined[]): string[] {
  const ids = (graft: Examined['graft']): number[] => (graft?.endTokens ?? []).map(({ id }) => id);
  const known = new Set(ids(kept));
  const others = all.filter(({ graft }) => graft && graft !== kept);
  const lost = others.flatMap(({ graft }) => (graft?.endTokens ?? []).filter(({ id }) => !known.has(id)));
  const texts = [...new Set(lost.map(({ text }) => JSON.stringify(text)))].join(', ');
  if (texts === '') return [];
  return [`Answers end where the first adapter's do; end tokens of others are left out: ${texts}.`];
}
