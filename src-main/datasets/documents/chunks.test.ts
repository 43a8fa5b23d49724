import { describe, expect, it } from 'vitest';
import type { Block } from './blocks.ts';
import { chunksOf, dividedText } from './chunks.ts';

const paragraph = (text: string, page: number | null = null): Block => ({ text, isHeading: false, page });
const heading = (text: string): Block => ({ text, isHeading: true, page: null });

/** Sentences of different lengths, each with its number. */
function sentences(count: number): string {
  return Array.from({ length: count }, (_, i) => `Sentence ${i} has${' some words'.repeat((i * 7) % 5)}.`).join(' ');
}
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

describe('chunks', () => {
  const blocks = Array.from({ length: 40 }, (_, i) => paragraph(sentences((i * 13) % 23), 1 + Math.floor(i / 10)));

  it.each([200, 317, 1000])('of at most %i characters hold every word once, in order', (maxChars) => {
    const chunks = chunksOf(blocks, { maxChars, overlapChars: 0 });
    expect(Math.max(...chunks.map(({ text }) => text.length))).toBeLessThanOrEqual(maxChars);
    expect(words(chunks.map(({ text }) => text).join('\n'))).toEqual(words(blocks.map(({ text }) => text).join('\n')));
    expect(chunks.length).toBeGreaterThan(1);
  });

  it('with an overlap begin with the last words of the chunk before', () => {
    const chunks = chunksOf([paragraph(sentences(60))], { maxChars: 300, overlapChars: 80 });
    const known = new Set(words(sentences(60)));
    for (const [i, { text }] of chunks.entries()) {
      expect(text.length).toBeLessThanOrEqual(300);
      expect(words(text).filter((word) => !known.has(word))).toEqual([]);
      if (i === 0) continue;
      // The overlap itself is whole words from the end of the chunk before, of which the first 20 characters are some.
      expect(chunks[i - 1]!.text.slice(-81)).toContain(` ${text.slice(0, 20)}`);
    }
  });

  it('begin at headings, which never end one, and name page and heading', () => {
    const long = sentences(8);
    const chunks = chunksOf(
      [paragraph('Before.', 1), heading('First'), paragraph(long, 2), heading('# Second'), paragraph(long, 3)],
      { maxChars: long.length + 10, overlapChars: 0 },
    );
    expect(chunks).toEqual([
      { text: 'Before.', heading: null, page: 1 },
      { text: `First\n\n${long}`, heading: 'First', page: null },
      { text: `# Second\n\n${long}`, heading: 'Second', page: null },
    ]);
  });

  it('keep a heading with the beginning of a paragraph that is too long', () => {
    const chunks = chunksOf([heading('Long'), paragraph(sentences(40))], { maxChars: 300, overlapChars: 0 });
    expect(chunks[0]!.text).toMatch(/^Long\n\nSentence 0 has\./);
    expect(Math.max(...chunks.map(({ text }) => text.length))).toBeLessThanOrEqual(300);
    expect(words(chunks.map(({ text }) => text).join(' '))).toEqual(['Long', ...words(sentences(40))]);
  });

  it('of a document of headings only are headings', () => {
    expect(chunksOf([heading('A'), heading('B')], { maxChars: 200, overlapChars: 0 }).map(({ text }) => text)).toEqual([
      'A\n\nB',
    ]);
  });
});

describe('a text that is too long', () => {
  it('is divided at sentences, then lines, then words', () => {
    expect(dividedText('One two three. Four five six seven', 20)).toEqual(['One two three.', 'Four five six seven']);
    expect(dividedText('One two three\nfour five six seven', 20)).toEqual(['One two three', 'four five six seven']);
    expect(dividedText('One two three four five', 11)).toEqual(['One two', 'three four', 'five']);
  });

  it('is divided between words also where no spaces stand', () => {
    const text = '東京は日本の首都であり世界最大の都市の一つです';
    const pieces = dividedText(text, 10);
    expect(pieces.join('')).toBe(text);
    const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
    const starts = new Set([...segmenter.segment(text)].map(({ index }) => index));
    let at = 0;
    for (const piece of pieces) {
      expect(starts).toContain(at);
      at += piece.length;
    }
  });

  it('is divided anywhere where it has no words, but never within a character', () => {
    const pieces = dividedText('😀'.repeat(30), 7);
    expect(pieces.join('')).toBe('😀'.repeat(30));
    for (const piece of pieces) expect(piece).toMatch(/^(😀)+$/u);
  });
});
