/** Near-duplicates against exact Jaccard similarities of sets of strings, computed here in the plainest way. */
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { TestFolder } from '../../../test-support/fixtures/dataFiles.ts';
import { Random } from '../../../src-shared/random.ts';
import { bandsFor, NearDuplicates } from './nearDuplicates.ts';
import { jaccard, shinglesOf, signatureOf, SIGNATURE } from './minHash.ts';

const folder = new TestFolder();
const scratch = path.join(folder.dir, 'scratch');
afterAll(() => folder.remove());

const random = new Random(5);
const word = (): string => `wört${random.integer(2000)}`;
const words = (count: number): string[] => Array.from({ length: count }, word);

/** Sets of the n-grams themselves. */
function nGrams(text: string, size: number): Set<string> {
  const all = text.split(' ');
  return new Set(
    Array.from({ length: Math.max(1, all.length - size + 1) }, (_, i) => all.slice(i, i + size).join(' ')),
  );
}

function exact(a: string, b: string, size: number): number {
  const [one, other] = [nGrams(a, size), nGrams(b, size)];
  const both = [...one].filter((gram) => other.has(gram)).length;
  return both / new Set([...one, ...other]).size;
}

/** Each base text with copies of which more and more words are other ones. */
function family(): string[] {
  const base = words(60);
  return Array.from({ length: 8 }, (_, changes) => {
    const copy = [...base];
    for (let i = 0; i < changes; i++) copy[random.integer(copy.length)] = word();
    return copy.join(' ');
  });
}

const pairs = Array.from({ length: 40 }, family).flatMap(([first, ...others]) =>
  others.map((other) => [first!, other] as const),
);

it('Jaccard similarities of hashes are those of the n-grams', () => {
  for (const [a, b] of pairs) {
    const rules = { unit: 'words', size: 3 } as const;
    expect(jaccard(shinglesOf(a, rules), shinglesOf(b, rules))).toBeCloseTo(exact(a, b, 3), 10);
  }
});

it('signatures agree as often as the similarity says', () => {
  const errors = pairs.map(([a, b]) => {
    const [one, other] = [a, b].map((text) => signatureOf(shinglesOf(text, { unit: 'words', size: 3 })));
    const agree = one!.filter((value, k) => value === other![k]).length / SIGNATURE;
    return agree - exact(a, b, 3);
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  // Of 280 estimates with a standard deviation of at most 0.044 each; those of one family lean the same way.
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.25);
});

it.each([0.5, 0.7, 0.8, 0.9])('at %d exactly the pairs from there on are near-duplicates', (threshold) => {
  let missed = 0;
  let alike = 0;
  for (const [a, b] of pairs) {
    const near = new NearDuplicates({ threshold, unit: 'words', size: 3 }, scratch);
    expect(near.repeats(a)).toBe(false);
    const said = near.repeats(b);
    near.close();
    const similarity = exact(a, b, 3);
    if (similarity < threshold) expect(said, `${similarity} is below ${threshold}`).toBe(false);
    else {
      alike++;
      if (!said) missed++;
    }
  }
  expect(alike).toBeGreaterThan(20);
  // One in a hundred right at the threshold.
  expect(missed).toBeLessThanOrEqual(Math.ceil(alike / 50));
});

it('the bands find 99 of 100 pairs at the threshold by the formula, with the longest bands that do', () => {
  const found = (threshold: number, rows: number, bands: number): number => 1 - (1 - threshold ** rows) ** bands;
  for (const threshold of [0.5, 0.6, 0.75, 0.8, 0.95, 1]) {
    const { bands, rows } = bandsFor(threshold);
    expect(bands * rows).toBeLessThanOrEqual(SIGNATURE);
    expect(found(threshold, rows, bands)).toBeGreaterThanOrEqual(0.99);
    if (rows < SIGNATURE) expect(found(threshold, rows + 1, Math.floor(SIGNATURE / (rows + 1)))).toBeLessThan(0.99);
  }
});

it('each of thousands of rows finds its copy, also from long before, and no other', () => {
  const near = new NearDuplicates({ threshold: 0.8, unit: 'words', size: 3 }, scratch);
  const texts = Array.from({ length: 3000 }, () => words(40).join(' '));
  // Longer than the buffer of sets, so that they come from the disk.
  const long = words(300_000).join(' ');
  expect(near.repeats(long)).toBe(false);
  expect(texts.filter((text) => near.repeats(text))).toEqual([]);
  const copies = texts.map((text, i) => (i % 2 ? `${text} ${word()}` : text.toUpperCase()));
  expect(copies.filter((text) => !near.repeats(text))).toEqual([]);
  expect(near.repeats(long)).toBe(true);
  near.close();
});

it('by characters: short German texts with a slip of the pen', () => {
  const near = new NearDuplicates({ threshold: 0.6, unit: 'characters', size: 3 }, scratch);
  expect(near.repeats('Die Rückerstattung dauert drei Tage.')).toBe(false);
  expect(near.repeats('Die  Rückerstatung dauert drei Tage!')).toBe(true);
  expect(near.repeats('Wo ist mein Paket geblieben?')).toBe(false);
  expect(near.repeats('')).toBe(false);
  expect(near.repeats('')).toBe(false);
  near.close();
});
