/** Takes out of a report what is the user's: names, folders, rows, secrets. What is doubtful goes too. */
import os from 'node:os';
import path from 'node:path';
import { GRAFT_ROOT } from '../../files/repository.ts';

export interface Private {
  /** Folders and files, and what stands for each; the longest counts first. */
  places: Record<string, string>;
  /** Words that name the user or the machine, and what stands for each. */
  words: Record<string, string>;
}

/** What every report of this machine leaves out; `more`: places of one run. */
export function privateHere(homeDir: string, more: Record<string, string> = {}): Private {
  const { username, homedir } = os.userInfo();
  return {
    places: { ...more, [homeDir]: '<data folder>', [GRAFT_ROOT]: '<graft>', [homedir]: '~', [os.homedir()]: '~' },
    words: { [username]: '<user>', [path.basename(homedir)]: '<user>', [os.hostname()]: '<machine>' },
  };
}

const SECRETS: [pattern: RegExp, instead: string][] = [
  [/\b(bearer|basic)\s+[\w+/=.~-]+/gi, '$1 <removed>'],
  [/\b(hf|sk|ghp|github_pat|xox[abp])[_-][\w-]{8,}/gi, '<removed>'],
  [
    /\b([\w-]*(?:token|password|passwd|secret|api[_-]?key|authorization|cookie)[\w-]*["']?\s*[=:]\s*)["']?[^\s"',;&]+/gi,
    '$1<removed>',
  ],
  // Letters of both cases and digits without a blank: a key more likely than a word. Hashes in hexadecimal stay.
  [/\b(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{24,}\b/g, '<removed>'],
  [/[\w.+-]+@[\w-]+\.[\w.]+/g, '<address>'],
];
/** A path that no known place begins: only what kind of file it was. */
const OTHER_PATH = /(^|[\s"'`(=])(?:[A-Za-z]:[\\/]|\/|~[\\/])(?:[^\s"'`()<>:;,]+)/g;
/** A quoted text of several words may be a row of data. */
const QUOTED = /(["“])[^"“”\n]*\s[^"“”\n]*\s[^"“”\n]*\s[^"“”\n]*(["”])/g;

export function scrub(text: string, { places, words }: Private): string {
  let left = text;
  for (const [place, instead] of Object.entries(places).sort(([a], [b]) => b.length - a.length))
    if (place.length > 1) left = left.replaceAll(place, instead);
  left = left.replaceAll('file://', '');
  left = left.replace(OTHER_PATH, (_all, before: string) => `${before}<path>`);
  for (const [pattern, instead] of SECRETS) left = left.replace(pattern, instead);
  left = left.replace(QUOTED, '$1<text>$2');
  for (const [word, instead] of Object.entries(words))
    if (word.length > 1) left = left.replace(new RegExp(`(?<![\\w<])${escaped(word)}(?![\\w>])`, 'gi'), instead);
  return left;
}

function escaped(word: string): string {
  return word.replaceAll(/[^\w]/g, '\\$&');
}

/** The same for every text in `value`, names of fields aside. */
export function scrubbed(value: unknown, hidden: Private): unknown {
  if (typeof value === 'string') return scrub(value, hidden);
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, hidden));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrubbed(item, hidden)]));
}
