/**
 * A folder of data files, read as one: Hugging Face's dataset folders with their splits, shards of a table, texts.
 * Only names are looked at here.
 */
import fs from 'node:fs';
import path from 'node:path';
import { PACKED_EXTENSIONS, TABLE_EXTENSIONS, TEXT_EXTENSIONS } from '../../../src-shared/datasetExtensions.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';

export interface FolderPart {
  /** Absolute paths, sorted by name. */
  files: string[];
  /** The split or file that was chosen, where there was a choice, and what else there is. */
  chosen: string | undefined;
  others: string[];
  /** Files that are none of this dataset, such as a README beside tables. */
  leftOut: string[];
}

const MOST_FILES = 10_000;
const MOST_DEPTH = 4;
/** About a dataset, not of it. */
const ABOUT = [
  /^(readme|licen[sc]e|citation|dataset_infos?|dataset_dict|state)(\.|$)/i,
  /^[._]/,
  /\.(py|lock|sh|ya?ml|toml|ipynb)$/i,
];
const [TABLES, TEXTS] = [TABLE_EXTENSIONS, TEXT_EXTENSIONS].map(
  (names) => new RegExp(`\\.(${names.join('|')})(\\.(${PACKED_EXTENSIONS.join('|')}))?$`, 'i'),
) as [RegExp, RegExp];
const SPLITS: [name: string, words: RegExp][] = [
  ['train', /^train(ing)?$/],
  ['validation', /^(validation|valid|val|dev)$/],
  ['test', /^(test|testing|eval|evaluation)$/],
];

/** Throws GraftError DATASET_EMPTY, DATASET_TOO_LARGE, or a usage error DATASET_PART. */
export function chooseFiles(folder: string, part: string | undefined): FolderPart {
  const names = filesBelow(folder);
  const tables = names.filter((name) => TABLES.test(name));
  const kept = tables.length > 0 ? tables : names.filter((name) => TEXTS.test(name));
  const leftOut = names.filter((name) => !kept.includes(name));
  if (kept.length === 0)
    throw new GraftError(
      'DATASET_EMPTY',
      `The folder ${folder} has no file with rows (JSONL, JSON, CSV, TSV, Parquet, Arrow, XLSX, text, Markdown); ` +
        'choose another folder, or a file.',
      { file: folder },
    );
  const { names: chosenNames, chosen, others } = choose({ folder, within: '', names: kept }, part);
  return { files: chosenNames.map((name) => path.join(folder, name)), chosen, others, leftOut };
}

interface Choice {
  names: string[];
  chosen: string | undefined;
  others: string[];
}

/** Files among which there is a choice: their names within `within`, which is empty or ends in a slash. */
interface Candidates {
  folder: string;
  within: string;
  names: string[];
}

function choose(among: Candidates, part: string | undefined): Choice {
  const { within, names } = among;
  const splits = groupedBy(names, splitOf);
  const others = (chosen: string): string[] =>
    [...splits.keys()].filter((name) => name !== chosen && name !== '').map((name) => within + name);
  const split = part ?? (splits.size > 1 ? 'train' : [...splits.keys()][0]!);
  const files = splits.get(split);
  if (files) {
    checkAlike(among, splits, split, files);
    const isChoice = part !== undefined || splits.size > 1;
    return {
      names: files.map((name) => within + name),
      chosen: isChoice ? within + split : undefined,
      others: isChoice ? others(split) : [],
    };
  }
  if (part === undefined) throw whichPart(among, 'holds several splits', [...splits.keys()]);
  if (names.includes(part)) return { names: [within + part], chosen: within + part, others: others(part) };
  const inner = chooseInside(among, part.replace(/\/$/, ''));
  if (inner) return inner;
  const parts = splits.size > 1 ? [...splits.keys()] : names;
  throw whichPart(among, `has no split or file ${JSON.stringify(part)}`, parts);
}

/** `part`: a folder among the files, or a split of it, `main/test`. */
function chooseInside({ folder, within, names }: Candidates, part: string): Choice | undefined {
  const inside = (dir: string): string[] =>
    names.filter((name) => name.startsWith(`${dir}/`)).map((name) => name.slice(dir.length + 1));
  const slash = part.lastIndexOf('/');
  const head = part.slice(0, Math.max(0, slash));
  const [dir, split] = inside(part).length > 0 ? [part, undefined] : [head, part.slice(slash + 1)];
  const found = dir === '' ? [] : inside(dir);
  if (found.length === 0) return undefined;
  const choice = choose({ folder, within: `${within}${dir}/`, names: found }, split);
  return { ...choice, chosen: choice.chosen ?? within + part };
}

/** One dataset has its split in one folder, and files without a split in one format. */
function checkAlike(among: Candidates, splits: Map<string, string[]>, split: string, files: string[]): void {
  if (split !== '') {
    const folders = groupedBy(files, (name) => folderOfSplit(name, split));
    const suffix = splits.size > 1 && split !== 'train' ? `/${split}` : '';
    const parts = [...folders].flatMap(([dir, own]) => (dir === '' ? own : [dir + suffix]));
    if (folders.size > 1) throw whichPart(among, `has the split ${split} in several folders`, parts);
  }
  const formats = new Set(files.map((name) => path.extname(name.replace(/\.(gz|zst|zstd)$/i, '')).toLowerCase()));
  if (splits.size === 1 && TABLES.test(files[0]!) && formats.size > 1)
    throw whichPart(among, `holds files of several formats (${[...formats].join(', ')})`, files);
}

function whichPart({ folder, within }: Candidates, what: string, names: string[]): GraftError {
  const parts = names.filter((name) => name !== '').map((name) => within + name);
  const shown = parts.slice(0, 20).join(', ') + (parts.length > 20 ? ', …' : '');
  const where = within === '' ? folder : path.join(folder, within);
  return usageError('DATASET_PART', `${where} ${what}; choose one with --part: ${shown}.`, { file: folder, parts });
}

/** The split that a name speaks of, `data/train-00000-of-00002.parquet`; empty where it speaks of none. */
function splitOf(name: string): string {
  const words = name.toLowerCase().split(/[/._-]/);
  return SPLITS.find(([, split]) => words.some((word) => split.test(word)))?.[0] ?? '';
}

/** The folder in front of what speaks of the split: `main` of `main/train-0.parquet` and of `main/train/0.parquet`. */
function folderOfSplit(name: string, split: string): string {
  const steps = name.split('/');
  return steps
    .slice(
      0,
      steps.findIndex((step) => splitOf(step) === split),
    )
    .join('/');
}

function groupedBy(names: readonly string[], keyOf: (name: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = keyOf(name);
    const group = groups.get(key);
    if (group) group.push(name);
    else groups.set(key, [name]);
  }
  return groups;
}

/** Plain files below a folder, relative, with `/` between, sorted. */
function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const visit = (below: string, depth: number): void => {
    for (const entry of fs.readdirSync(path.join(folder, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (ABOUT.some((name) => name.test(entry.name))) continue;
      if (entry.isDirectory() && depth < MOST_DEPTH) visit(name, depth + 1);
      const isFile = entry.isFile() || (entry.isSymbolicLink() && isPlainFile(path.join(folder, name)));
      if (isFile) found.push(name);
      if (found.length > MOST_FILES)
        throw new GraftError(
          'DATASET_TOO_LARGE',
          `The folder ${folder} has more than ${MOST_FILES} files; choose a folder with the dataset alone.`,
          { file: folder },
        );
    }
  };
  visit('', 0);
  return found.sort();
}

function isPlainFile(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Size and time of what is in a folder, by which a change is noticed without reading it. */
export function folderFacts(folder: string): { sizeBytes: number; modifiedMs: number; key: string } {
  let [sizeBytes, modifiedMs, key] = [0, 0, ''];
  for (const name of filesBelow(folder)) {
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    if (!stat) continue;
    sizeBytes += stat.size;
    modifiedMs = Math.max(modifiedMs, stat.mtimeMs);
    key += `|${name} ${stat.size} ${stat.mtimeMs}`;
  }
  return { sizeBytes, modifiedMs, key };
}
