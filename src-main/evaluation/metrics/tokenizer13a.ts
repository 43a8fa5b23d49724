/** The word splitting of mteval-v13a.pl, by which sacreBLEU's scores are comparable (Post 2018, section 2.2). */
import { words } from './ngrams.ts';

const ESCAPES = [
  ['<skipped>', ''],
  ['-\n', ''],
  ['\n', ' '],
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
] as const;

export function tokenize13a(text: string): string[] {
  const plain = ESCAPES.reduce((line, [from, to]) => line.replaceAll(from, to), text.trimEnd());
  return words(
    ` ${plain} `
      // Punctuation but for apostrophe, comma, hyphen and full stop.
      .replace(/([{-~[-` -&(-+:-@/])/gu, ' $1 ')
      // Full stop and comma, unless within a number.
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      // A hyphen after a digit.
      .replace(/([0-9])(-)/gu, '$1 $2 '),
  );
}
