/** The documents that a list of files and folders names. Only names are looked at here. */
import fs from 'node:fs';
import path from 'node:path';
import { DOCUMENT_EXTENSIONS } from '../../../src-shared/documents.ts';
import { GraftError } from '../../../src-shared/errors.ts';

export interface FoundDocument {
  file: string;
  /** Relative to the folder that was named, or its own name. */
  source: string;
}

const MOST_FILES = 10_000;
const MOST_DEPTH = 8;
const NAMES = new RegExp(`\\.(${DOCUMENT_EXTENSIONS.join('|')})$`, 'i');

/** Each file once, in the order of the list. Throws DATASET_NOT_FOUND, DATASET_EMPTY or DATASET_TOO_LARGE. */
export function findDocuments(paths: readonly string[]): FoundDocument[] {
  const found = new Map<string, FoundDocument>();
  for (const named of paths.map((name) => path.resolve(name))) {
    const stat = fs.statSync(named, { throwIfNoEntry: false });
    if (!stat)
      throw new GraftError('DATASET_NOT_FOUND', `The document ${named} does not exist; check the path.`, {
        file: named,
      });
    const files = stat.isDirectory() ? documentsBelow(named) : [path.basename(named)];
    const folder = stat.isDirectory() ? named : path.dirname(named);
    for (const source of files) {
      const file = path.join(folder, source);
      found.set(file, { file, source });
    }
    if (found.size > MOST_FILES) throw tooMany(named);
  }
  return [...found.values()];
}

/** Plain files below a folder, relative, with `/` between, sorted; hidden ones are left out. */
function documentsBelow(folder: string): string[] {
  const found: string[] = [];
  const visit = (below: string, depth: number): void => {
    for (const entry of fs.readdirSync(path.join(folder, below), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && depth < MOST_DEPTH) visit(name, depth + 1);
      else if (entry.isFile() && NAMES.test(entry.name)) found.push(name);
      if (found.length > MOST_FILES) throw tooMany(folder);
    }
  };
  visit('', 0);
  if (found.length === 0)
    throw new GraftError(
      'DATASET_EMPTY',
      `The folder ${folder} holds no document (PDF, DOCX, HTML, Markdown, text); choose another folder, or a file.`,
      { file: folder },
    );
  return found.sort();
}

function tooMany(folder: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `There are more than ${MOST_FILES} documents in ${folder}; choose a part of them.`,
    { file: folder },
  );
}
