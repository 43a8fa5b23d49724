/** Documents made into a file of rows, which then is a dataset like any other. */
import fs from 'node:fs';
import path from 'node:path';
import type { ConvertedDocuments, DocumentRows, RefusedDocument } from '../../../src-shared/documents.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { documentThreads, type DocumentThreads } from '../../datasets/documents/documentThreads.ts';
import { findDocuments, type FoundDocument } from '../../datasets/documents/findDocuments.ts';
import type { Home } from '../storage/home.ts';
import { writeOwnFile } from './ownFile.ts';

interface ConvertOptions {
  signal?: AbortSignal | undefined;
  /** How many of the documents are read, the parts of one too. */
  onProgress?: (progress: { done: number; total: number; file: string }) => void;
  threads?: DocumentThreads;
}

/** Notes that are told one by one. */
const MOST_NOTES = 50;

/**
 * Writes the rows of all documents as one JSONL file. A document that cannot be read is told and left out; throws what
 * is wrong where none can, and CANCELLED.
 */
export async function convertDocuments(
  home: Home,
  { paths, ...settings }: DocumentRows & { paths: readonly string[] },
  { signal, onProgress, threads = documentThreads }: ConvertOptions = {},
): Promise<ConvertedDocuments> {
  const documents = findDocuments(paths);
  const refused: RefusedDocument[] = [];
  const notes: string[] = [];
  let rows = 0;
  let firstFailure: unknown;
  const readOne = async ({ file, source }: FoundDocument, done: number, fd: number): Promise<void> => {
    const tell = (share: number): void => onProgress?.({ done: done + share, total: documents.length, file });
    tell(0);
    try {
      const read = await threads.read({ file, source, settings }, { signal, onProgress: tell });
      fs.writeFileSync(fd, read.lines);
      rows += read.rows;
      notes.push(...read.notes.map((note) => (documents.length > 1 ? `${source}: ${note}` : note)));
    } catch (error) {
      if (!isAboutDocument(error)) throw error;
      firstFailure ??= error;
      refused.push({ file, reason: error.message });
    }
  };
  const file = await writeOwnFile(home, `${nameOf(paths)}.jsonl`, async (target) => {
    const fd = fs.openSync(target, 'wx', 0o600);
    try {
      for (const [i, document] of documents.entries()) await readOne(document, i, fd);
    } finally {
      fs.closeSync(fd);
    }
    if (rows === 0) throw nothingRead(refused, firstFailure);
  });
  return { file, documents: documents.length - refused.length, rows, notes: shortened(notes), refused };
}

function isAboutDocument(error: unknown): error is GraftError {
  return error instanceof GraftError && error.code !== 'CANCELLED';
}

function nothingRead([first, ...others]: RefusedDocument[], failure: unknown): unknown {
  if (others.length === 0 || !first) return failure;
  return new GraftError(
    'DATASET_NO_TEXT',
    `None of the ${others.length + 1} documents could be read. The first of them: ${first.reason}`,
  );
}

function shortened(notes: string[]): string[] {
  const more = notes.length - MOST_NOTES;
  return more > 0 ? [...notes.slice(0, MOST_NOTES), `And ${counted(more, 'more note')} of this kind.`] : notes;
}

/** Of the document or folder, or of the first of several. */
function nameOf([first = 'documents', ...others]: readonly string[]): string {
  const name = path.basename(path.resolve(first)).replace(/\.[^.]{1,8}$/, '') || 'documents';
  return others.length > 0 ? `${name} and ${others.length} more` : name;
}
