/**
 * Reads plain text and Markdown for continued pretraining: paragraphs in pieces of about a thousand characters, each
 * a row with the line where it starts. A piece that a document goes on after says so, so that no EOS follows it.
 */
import type { RawRow } from '../types.ts';
import { countNewlines } from './source.ts';

/** Characters after which a piece ends with its paragraph, and at which it ends anywhere. */
const USUAL_CHARS = 1000;
const MOST_CHARS = 4000;

export async function* readText(chunks: AsyncIterable<string>): AsyncGenerator<RawRow> {
  let text = '';
  let line = 1;
  let held: RawRow | undefined;
  const row = (piece: string): RawRow => ({ line: line + leadingLines(piece), values: { text: piece.trim() } });
  for await (const chunk of chunks) {
    text += chunk.replace(/\r\n/g, '\n');
    for (let end = endOfPiece(text); end > 0; end = endOfPiece(text)) {
      const piece = text.slice(0, end);
      if (piece.trim() !== '') {
        if (held) yield { ...held, goesOn: true };
        held = row(piece);
      }
      line += countNewlines(piece);
      text = text.slice(end);
    }
  }
  if (text.trim() === '') {
    if (held) yield held;
    return;
  }
  if (held) yield { ...held, goesOn: true };
  yield row(text);
}

function leadingLines(piece: string): number {
  return countNewlines(piece.slice(0, piece.length - piece.trimStart().length));
}

/** Where the first piece of `text` ends; 0 where more of it must be read first. */
function endOfPiece(text: string): number {
  if (text.length < MOST_CHARS + 4) return 0;
  const paragraph = text.lastIndexOf('\n\n', USUAL_CHARS);
  if (paragraph > 0) return paragraph + 2;
  const next = text.indexOf('\n\n', USUAL_CHARS);
  if (next > 0 && next < MOST_CHARS) return next + 2;
  for (const end of ['\n', '. ', ' ']) {
    const at = text.lastIndexOf(end, USUAL_CHARS);
    if (at > USUAL_CHARS / 2) return at + end.length;
  }
  const code = text.charCodeAt(USUAL_CHARS);
  return code >= 0xdc00 && code <= 0xdfff ? USUAL_CHARS - 1 : USUAL_CHARS;
}
