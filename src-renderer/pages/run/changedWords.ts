/** Which words of a text are new compared with an earlier text. */
import { diffArrays } from 'diff';

export interface Part {
  text: string;
  changed: boolean;
}

/** `after` in parts, whitespace included; marked are the words that a shortest edit of `before` adds. */
export function changedWords(before: string, after: string): Part[] {
  const pieces = after.split(/(\s+)/).filter(Boolean);
  const edits = diffArrays(wordsOf(before), wordsOf(after)).filter(({ removed }) => !removed);
  const added = edits.flatMap(({ value, added }) => value.map(() => added));
  const parts: Part[] = [];
  let word = 0;
  for (const text of pieces) {
    const changed = text.trim() !== '' && added[word++] === true;
    const last = parts.at(-1);
    if (last && last.changed === changed) last.text += text;
    else parts.push({ text, changed });
  }
  return parts;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
