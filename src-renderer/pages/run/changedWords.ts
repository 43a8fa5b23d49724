/** Which words of a text are new beside an earlier text. */

export interface Part {
  text: string;
  changed: boolean;
}

/** `after` in parts, whitespace included, marked where no longest common sequence of words with `before` has them. */
export function changedWords(before: string, after: string): Part[] {
  const old = before.split(/\s+/).filter(Boolean);
  const pieces = after.split(/(\s+)/).filter(Boolean);
  const words = pieces.filter((piece) => piece.trim() !== '');
  const kept = commonWords(old, words);
  const parts: Part[] = [];
  let word = 0;
  for (const text of pieces) {
    const changed = text.trim() !== '' && !kept.has(word++);
    const last = parts.at(-1);
    if (last && last.changed === changed) last.text += text;
    else parts.push({ text, changed });
  }
  return parts;
}

/** Indices into `b` of a longest common subsequence of both. */
function commonWords(a: readonly string[], b: readonly string[]): Set<number> {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const common = new Set<number>();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      common.add(j);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return common;
}
