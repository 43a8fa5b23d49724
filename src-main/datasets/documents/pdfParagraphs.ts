/**
 * Lines of a PDF as paragraphs and headings, told from gaps, indents and sizes. Words that a line end divides are
 * joined; a hyphen stays where the document writes the same word with one within a line.
 */
import type { Block } from './blocks.ts';
import { mostCommon, type Line } from './pdfLines.ts';

/** A gap of more than this many usual ones begins a paragraph. */
const PARAGRAPH_GAP = 1.35;
const INDENT = 0.7;
const MOST_INDENT = 4;
const SAME_SIZE = 0.1;
const HEADING_SIZE = 1.15;
const HEADING_CHARS = 200;
/** Characters of the longest word that a line end divides. */
const MOST_WORD = 60;
const SENTENCE_END = /[.!?…:;。！？]["'”’»)\]]*$/;
const LIST_ITEM = /^([•‣▪●○–*-]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s)/;
/** Scripts that put no space between words. */
const NO_SPACE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

export function paragraphsOf(lines: readonly Line[]): { blocks: Block[]; joined: number } {
  const bodySize = mostCommon(lines.map(({ size, text }) => [size, text.length]));
  const gap = usualGap(lines);
  const hyphenated = new Set(lines.flatMap(({ text }) => text.toLowerCase().match(/\p{L}+-\p{L}+/gu) ?? []));
  const blocks: Block[] = [];
  let joined = 0;
  let before: Line | undefined;
  for (const line of lines) {
    const block = blocks.at(-1);
    if (before && block && goesOn(before, line, gap)) {
      const { text, isJoined } = join(block.text, line.text, hyphenated);
      block.text = text;
      if (isJoined) joined++;
    } else blocks.push({ text: line.text, isHeading: line.size >= HEADING_SIZE * bodySize, page: line.page });
    before = line;
  }
  for (const block of blocks) block.isHeading &&= block.text.length <= HEADING_CHARS;
  return { blocks, joined };
}

/** Whether `line` belongs to the paragraph that `before` ended in. */
function goesOn(before: Line, line: Line, gap: number): boolean {
  if (Math.abs(line.size - before.size) > SAME_SIZE * before.size) return false;
  if (LIST_ITEM.test(line.text)) return false;
  const ends = SENTENCE_END.test(before.text);
  const down = before.y - line.y;
  // Another page, or the next column.
  if (line.page !== before.page || down < 0) return !ends;
  if (down > PARAGRAPH_GAP * Math.max(gap, before.size)) return false;
  const indent = line.x - before.x;
  return !(ends && indent > INDENT * line.size && indent < MOST_INDENT * line.size);
}

/** From line to line, in points: that of most lines. */
function usualGap(lines: readonly Line[]): number {
  const gaps = lines.slice(1).flatMap((line, i) => {
    const before = lines[i]!;
    const down = before.y - line.y;
    return line.page === before.page && down > 0 && down < 4 * line.size ? [[down, 1] as const] : [];
  });
  return mostCommon(gaps);
}

function join(text: string, next: string, hyphenated: Set<string>): { text: string; isJoined: boolean } {
  const end = text.slice(-MOST_WORD);
  const begun = /(\p{L}+)[-‐]$/u.exec(end)?.[1];
  const rest = /^\p{Ll}+/u.exec(next)?.[0];
  if (begun !== undefined && rest !== undefined) {
    const isOneWord = !hyphenated.has(`${begun}-${rest}`.toLowerCase());
    return { text: (isOneWord ? text.slice(0, -1) : text) + next, isJoined: isOneWord };
  }
  const isTight = NO_SPACE.test(text.at(-1) ?? '') && NO_SPACE.test(next[0] ?? '');
  // `Ein- und Ausgabe` keeps its space, `Baden-Württemberg` has none.
  return { text: text + (isTight || /\p{L}-$/u.test(end) ? '' : ' ') + next, isJoined: false };
}
