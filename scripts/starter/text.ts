/**
 * The text that the starter model reads before any task: paragraphs, stories and lists of records, each about places
 * that are named several times, so that the model learns to carry facts along. No text holds both a record and a
 * sentence about the same place: the two tasks (samples.ts) are left to the adapters.
 */
import { Random } from '../../src-main/engine/random.ts';
import { description, fact, story } from './sentences.ts';
import { makePlace, pick, recordLine } from './world.ts';

/** A document: pieces in order, and what stands between two of them. */
interface Document {
  pieces: string[];
  separator: string;
}

function paragraph(random: Random): Document {
  const place = makePlace(random);
  const facts = Array.from({ length: 1 + random.integer(3) }, () => fact(random, place));
  const told = description(random, place);
  const orders = [[...told, ...facts], [...facts, ...description(random, place)], [...told, ...facts, ...description(random, place)]];
  return { pieces: pick(random, orders), separator: ' ' };
}

/** Records of two or three places; one comes twice, first without its last facts. */
function recordList(random: Random): Document {
  const places = Array.from({ length: 2 + random.integer(2) }, () => makePlace(random));
  const lines = places.map(recordLine);
  return { pieces: [recordLine({ ...places[0]!, near: undefined, rating: undefined }), ...random.shuffle(lines)], separator: '\n' };
}

function makeDocument(random: Random): Document {
  const kind = random.uniform();
  if (kind < 0.45) return paragraph(random);
  if (kind < 0.75) return recordList(random);
  return { pieces: story(random, makePlace(random)), separator: ' ' };
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
  let row = '';
  for (;;) {
    const { pieces, separator } = makeDocument(random);
    for (const [i, piece] of pieces.entries()) {
      const longer = row === '' ? piece : row + (i === 0 ? '\n' : separator) + piece;
      if (row !== '' && tokensOf(longer) > maxTokens) return row;
      row = longer;
    }
  }
}
