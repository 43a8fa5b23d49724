/**
 * A folder of data files, read as one: Hugging Face's dataset folders with their splits, shards of a table, texts.
 * Only names are looked at here.
 */
import fs from 'node:fs';
import path from 'node:path';
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
const TABLES = /\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|xlsx)(\.(gz|zst|zstd))?$/i;
const TEXTS = /\.(txt|text|md|markdown)(\.(gz|zst|zstd))?$/i;
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
  const splits = new Map<string, string[]>();
  for (const name of kept) {
    const split = splitOf(name);
    splits.set(split, [...(splits.get(split) ?? []), name]);
  }
  const absolute = (list: string[]): string[] => list.map((name) => path.join(folder, name));
  const others = (chosen: string): string[] => [...splits.keys()].filter((name) => name !== chosen && name !== '');
  if (part !== undefined) {
    const below = kept.filter((name) => name === part || name.startsWith(`${part.replace(/\/$/, '')}/`));
    const files = splits.get(part) ?? below;
    if (files.length === 0) throw unknownPart(folder, `has no split or file ${JSON.stringify(part)}`, splits, kept);
    return { files: absolute(files), chosen: part, others: others(part), leftOut };
  }
  if (splits.size === 1) {
    const formats = new Set(kept.map((name) => path.extname(name.replace(/\.(gz|zst|zstd)$/i, '')).toLowerCase()));
    if (tables.length > 0 && formats.size > 1)
      throw unknownPart(folder, `holds files of several formats (${[...formats].join(', ')})`, splits, kept);
    return { files: absolute(kept), chosen: undefined, others: [], leftOut };
  }
  const train = splits.get('train');
  if (!train) throw unknownPart(folder, 'holds several splits', splits, kept);
  return { files: absolute(train), chosen: 'train', others: others('train'), leftOut };
}

function unknownPart(folder: string, what: string, splits: Map<string, string[]>, names: string[]): GraftError {
  const parts = splits.size > 1 ? [...splits.keys()].filter((name) => name !== '') : names;
  const shown = parts.slice(0, 20).join(', ') + (parts.length > 20 ? ', …' : '');
  return usageError('DATASET_PART', `${folder} ${what}; choose one with --part: ${shown}.`, { file: folder, parts });
}

/** The split that a name speaks of, `data/train-00000-of-00002.parquet`; empty where it speaks of none. */
function splitOf(name: string): string {
  const words = name.toLowerCase().split(/[/._-]/);
  return SPLITS.find(([, split]) => words.some((word) => split.test(word)))?.[0] ?? '';
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
