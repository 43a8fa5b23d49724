/**
 * The text that the starter model reads before any task: paragraphs, stories, lists of records, and words that people
 * say after one another. Facts come several times, so that the model learns to carry them along. No text holds both a
 * record of a place and a sentence about it: the two tasks (samples.ts) are left to the adapters.
 */
import { Random } from '../../src-shared/random.ts';
import { description, fact, PEOPLE, story } from './sentences.ts';
import { makePlace, pick, recordLine } from './world.ts';

/** A document: pieces in order, and what stands between two of them. */
interface Document {
  pieces: string[];
  separator: string;
  /** The place that it is about. */
  name?: string;
}

/** All facts about a place, single ones, and all once more in other words. */
function paragraph(random: Random): Document {
  const place = makePlace(random);
  const facts = Array.from({ length: 1 + random.integer(3) }, () => fact(random, place));
  return {
    pieces: [...description(random, place), ...facts, ...description(random, place)],
    separator: ' ',
    name: place.name,
  };
}

/** The record of one place in full, and again with some of its facts left out. */
function recordList(random: Random): Document {
  const place = makePlace(random);
  const partly = (): string =>
    recordLine({
      ...place,
      ...Object.fromEntries(
        Object.keys(place)
          .filter(() => random.uniform() < 0.2)
          .map((field) => [field, undefined]),
      ),
    });
  return { pieces: random.shuffle([recordLine(place), partly(), partly()]), separator: '\n', name: place.name };
}

/** Someone says a few words of this world, and others say them again: the shortest way to learn to copy. */
function echo(random: Random): Document {
  const words = Array.from({ length: 4 + random.integer(5) }, () =>
    pick(random, Object.values(makePlace(random))),
  ).join(' ');
  const speakers = random.shuffle([...PEOPLE]).slice(0, 3);
  return { pieces: speakers.map((who) => `${who} says: ${words}`), separator: '\n' };
}

function makeDocument(random: Random): Document {
  const kind = random.uniform();
  if (kind < 0.5) return paragraph(random);
  if (kind < 0.7) return recordList(random);
  if (kind < 0.9) return echo(random);
  const place = makePlace(random);
  return { pieces: story(random, place), separator: ' ', name: place.name };
}

/**
 * `count` rows of text, each filled with whole sentences and lines up to `maxTokens` as `tokensOf` counts them.
 * The same seed always gives the same rows.
 */
export function textRows(seed: number, count: number, maxTokens: number, tokensOf: (text: string) => number): string[] {
  const random = Random.stream(seed, 'starter text');
  return Array.from({ length: count }, () => fillRow(random, maxTokens, tokensOf));
}

function fillRow(random: Random, maxTokens: number, tokensOf: (text: string) => number): string {
  const named = new Set<string>();
  let row = '';
  for (;;) {
    const { pieces, separator, name } = makeDocument(random);
    if (name !== undefined && named.has(name)) continue;
    if (name !== undefined) named.add(name);
    for (const [i, piece] of pieces.entries()) {
      const longer = row === '' ? piece : row + (i === 0 ? '\n' : separator) + piece;
      if (row !== '' && tokensOf(longer) > maxTokens) return row;
      row = longer;
    }
  }
}
