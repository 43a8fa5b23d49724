/** The mark that makes a control token in a text one that is text. */

/** A code point that Unicode keeps out of texts. */
export const MARK = '\uFDD0';

export function isMarked(text: string): boolean {
  return text.includes(MARK);
}

export function withoutMarks(text: string): string {
  return text.replaceAll(MARK, '');
}
