/** Finds the list of rows in a JSON file that wraps it: `{"data": [...]}`, by the path of its keys. */
import { usageError } from '../../../src-shared/errors.ts';
import { notAList } from './json.ts';

/** Keys deep at which lists are looked for. */
const MOST_DEPTH = 4;
const MOST_LISTS = 50;

/**
 * The text from the `[` of the list on, after as many newlines as stand before it, so that lines are counted right.
 * `part`: its path, such as `data` or `result.items`; needed where the file has several lists of objects.
 * Throws GraftError DATASET_NOT_A_LIST, or a usage error DATASET_PART.
 */
export async function* listWithin(
  open: () => AsyncIterable<string>,
  file: string,
  { part, onChosen }: { part: string | undefined; onChosen: (path: string) => void },
): AsyncGenerator<string> {
  const lists = await findLists(open());
  const paths = lists.map(({ path }) => path);
  const chosen = part === undefined ? (lists.length === 1 ? lists[0] : undefined) : lists.find((l) => l.path === part);
  if (!chosen && lists.length === 0) throw notAList(file);
  if (!chosen)
    throw usageError(
      'DATASET_PART',
      `${file} ${part === undefined ? 'holds several lists' : `has no list at ${part}`}; say which one holds the ` +
        `rows with --part: ${paths.join(', ')}.`,
      { file, parts: paths },
    );
  onChosen(chosen.path);
  let at = 0;
  let isFirst = true;
  for await (const chunk of open()) {
    const from = Math.max(0, chosen.at - at);
    at += chunk.length;
    if (from >= chunk.length) continue;
    yield isFirst ? '\n'.repeat(chosen.line - 1) + chunk.slice(from) : chunk;
    isFirst = false;
  }
}

interface FoundList {
  path: string;
  /** Characters before its `[`, and its line. */
  at: number;
  line: number;
}

/** Lists whose first element is an object. */
async function findLists(chunks: AsyncIterable<string>): Promise<FoundList[]> {
  const found: FoundList[] = [];
  const keys: string[] = [];
  const open: string[] = [];
  let [at, line, text] = [0, 1, ''];
  let [inString, escaped] = [false, false];
  let opened: FoundList | undefined;
  for await (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++, at++) {
      const char = chunk[i]!;
      if (char === '\n') line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (char === '\\') escaped = true;
        else if (char === '"') inString = false;
        if (inString && text.length < 200) text += char;
        continue;
      }
      if (/\s/.test(char)) continue;
      if (opened && char === '{' && found.length < MOST_LISTS) found.push(opened);
      opened = undefined;
      if (char === '"') [inString, text] = [true, ''];
      else if (char === ':') keys[open.length - 1] = text;
      else if (char === '{' || char === '[') {
        if (char === '[' && open.length <= MOST_DEPTH && open.every((one) => one === '{'))
          opened = { path: keys.slice(0, open.length).join('.'), at, line };
        open.push(char);
      } else if (char === '}' || char === ']') open.pop();
    }
  }
  return found;
}
