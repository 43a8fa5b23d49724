/** JSON that other people wrote: what is wrong with it in our own words, and no deeper than our code can follow. */

/** Nothing that Graft reads needs a tenth of it. */
const MAX_DEPTH = 200;

/**
 * The value of a JSON text, or what is wrong with the text, as in `config.json <problem>`: "is not valid JSON (line 3,
 * column 7)". Deep nesting is refused, because what walks through a value (zod, JSON.stringify) would run out of stack.
 */
export function parseJson(text: string, maxDepth = MAX_DEPTH): { value: unknown } | { problem: string } {
  if (isDeeper(text, maxDepth)) return { problem: `is nested more than ${maxDepth} levels deep` };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(error instanceof Error ? error.message : '') ?? [];
    return { problem: `is not valid JSON${line === undefined ? '' : ` (line ${line}, column ${column})`}` };
  }
}

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [...'{}[]'].map((char) => char.charCodeAt(0));

/** Counts brackets outside of strings, which costs a fraction of the parsing. */
function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      i = endOfString(text, i);
      if (i < 0) return false;
    } else if (char === OPEN_OBJECT || char === OPEN_LIST) {
      if (++depth > maxDepth) return true;
    } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) depth--;
  }
  return false;
}

/** Where the string that begins at `start` ends; -1 where it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return -1;
}
