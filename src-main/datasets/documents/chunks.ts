/**
 * Documents in pieces for training: whole paragraphs up to a number of characters. A longer paragraph is divided at
 * the end of a sentence, a line or a word, in this order; only what has no such place is cut within.
 */
import { headingOf, type Block } from './blocks.ts';

export interface Chunk {
  text: string;
  /** The heading that its beginning stands under. */
  heading: string | null;
  page: number | null;
}

/** A heading begins a new chunk once the current one has this share of its characters. */
const SECTION_SHARE = 1 / 4;
const BETWEEN = '\n\n';

interface Part extends Block {
  /** It continues the paragraph of the part before it. */
  goesOn: boolean;
}

export function chunksOf(
  blocks: readonly Block[],
  { maxChars, overlapChars }: { maxChars: number; overlapChars: number },
): Chunk[] {
  const chunks: Chunk[] = [];
  const room = maxChars - (overlapChars > 0 ? overlapChars + BETWEEN.length : 0);
  let held: Part[] = [];
  let chars = 0;
  /** Something else than headings is held. */
  let hasBody = false;
  let overlap = '';
  let heading: string | null = null;
  /** Of the chunk that is being filled. */
  let under: string | null = null;
  const add = (part: Part): void => {
    held.push(part);
    chars += (chars > 0 ? BETWEEN.length : 0) + part.text.length;
    hasBody ||= !part.isHeading;
  };
  const flush = (isSectionEnd: boolean): void => {
    // A heading stands with what follows it.
    const next = held.splice(held.findLastIndex(({ isHeading }) => !isHeading) + 1 || held.length);
    const text = joined(held, overlap);
    if (held.length > 0) chunks.push({ text, heading: under, page: held[0]!.page });
    overlap = isSectionEnd || next.length > 0 ? '' : lastWords(text, overlapChars);
    chars = overlap.length;
    held = [];
    hasBody = false;
    next.forEach(add);
    under = next[0] ? headingOf(next[0]) : heading;
  };
  for (const block of blocks) {
    if (block.isHeading && held.length > 0 && chars >= SECTION_SHARE * maxChars) flush(true);
    if (block.isHeading) heading = headingOf(block);
    const fits = (length: number): boolean => chars + BETWEEN.length + length <= maxChars;
    if (hasBody && !fits(Math.min(block.text.length, room))) flush(false);
    // Headings that are held take their part of the first piece's room.
    const left = maxChars - chars - BETWEEN.length;
    const first = held.length > 0 && left >= room / 2 ? Math.min(room, left) : room;
    for (const [i, text] of dividedText(block.text, room, first).entries()) {
      if (held.length > 0 && !fits(text.length)) flush(false);
      if (held.length === 0) under = heading;
      add({ ...block, text, goesOn: i > 0 });
    }
  }
  while (held.length > 0) flush(true);
  return chunks;
}

function joined(parts: readonly Part[], overlap: string): string {
  const pieces = parts.flatMap((part, i) => {
    if (i === 0 && overlap === '') return [part.text];
    return [part.goesOn ? ' ' : BETWEEN, part.text];
  });
  return overlap + pieces.join('');
}

/** The whole words within the last `chars` of a text. */
function lastWords(text: string, chars: number): string {
  if (chars === 0 || text.length <= chars) return '';
  const end = text.slice(-chars - 1);
  const space = end.search(/\s/);
  return space < 0 ? '' : end.slice(space).trim();
}

/** Pieces of at most `most` characters, the first one of at most `first`. */
export function dividedText(text: string, most: number, first = most): string[] {
  const pieces: string[] = [];
  let rest = text;
  for (let room = first; rest.length > room; room = most) {
    const end = placeToDivide(rest.slice(0, room + 1), room);
    pieces.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  if (rest !== '') pieces.push(rest);
  return pieces;
}

/** `window`: one character more than a piece may have. */
function placeToDivide(window: string, most: number): number {
  const least = most / 2;
  for (const end of [/[.!?…]["'”’»)\]]*\s|[。！？]/g, /\n/g]) {
    const places = [...window.matchAll(end)].map((match) => match.index + match[0].length);
    const last = places.findLast((place) => place <= most + 1);
    if (last !== undefined && last > least) return last;
  }
  const space = window.search(/\s\S*$/);
  if (space > 0) return space + 1;
  return wordBoundary(window, most);
}

/** In scripts that put no space between words. Where there is no word to be found either, whole characters. */
function wordBoundary(window: string, most: number): number {
  const from = Math.max(0, most - 200);
  const words = new Intl.Segmenter(undefined, { granularity: 'word' }).segment(window.slice(from));
  const boundary = [...words].map(({ index }) => from + index).findLast((place) => place > from && place <= most);
  if (boundary !== undefined) return boundary;
  const code = window.charCodeAt(most);
  return code >= 0xdc00 && code <= 0xdfff ? most - 1 : most;
}
