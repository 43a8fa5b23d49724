/** How long a row is, and a long text in pieces. */
import type { TextTokenizer } from '../tokenizer.ts';

/** Counts characters where no tokenizer is given. */
export function lengthOf(text: string, tokenizer?: TextTokenizer): number {
  return tokenizer ? tokenizer.encode(text, { addSpecialTokens: false }).length : text.length;
}

/** From the best place to cut a text to the last resort. */
const SEAMS = [/\n\s*\n/g, /\n/g, /[.!?…:;]["»”’)]*\s/g, /\s/g];
/** Of what fits, how much must come before a seam, so that pieces are not crumbs. */
const LEAST = 0.5;

/**
 * The text in pieces of at most `most` characters or tokens, cut at a paragraph, a line, a sentence or a word where one
 * ends in the second half of what fits. Space around the pieces is gone; nothing else is.
 */
export function piecesOf(text: string, most: number, tokenizer?: TextTokenizer): string[] {
  const pieces: string[] = [];
  for (let rest = text.trim(); rest !== '';) {
    const fits = fitting(rest, most, tokenizer);
    const end = fits === rest.length ? fits : seamIn(rest, fits);
    pieces.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  return pieces.filter((piece) => piece !== '');
}

/** Characters at the start of `text` that are at most `most` long, one at least. */
function fitting(text: string, most: number, tokenizer: TextTokenizer | undefined): number {
  if (!tokenizer) return whole(text, Math.min(most, text.length));
  // No tokenizer in use makes more characters than that of one token on average; what is beyond need not be counted.
  let high = Math.min(text.length, most * 16);
  if (high === text.length && lengthOf(text, tokenizer) <= most) return high;
  let low = 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (lengthOf(text.slice(0, middle), tokenizer) <= most) low = middle;
    else high = middle - 1;
  }
  return whole(text, low);
}

/** Not within a surrogate pair. */
function whole(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return end < text.length && end > 1 && code >= 0xd800 && code < 0xdc00 ? end - 1 : end;
}

function seamIn(text: string, fits: number): number {
  const head = text.slice(0, fits + 1);
  for (const seam of SEAMS) {
    let last = -1;
    for (const match of head.matchAll(seam)) {
      const end = match.index + match[0].trimEnd().length;
      if (end <= fits) last = end;
    }
    if (last >= fits * LEAST) return last;
  }
  return fits;
}
