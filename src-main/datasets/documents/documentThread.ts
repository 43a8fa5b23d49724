/** Entry of a thread that reads documents for documentThreads.ts. */
import process from 'node:process';
import type { DocumentRows } from '../../../src-shared/documents.ts';
import { answerQuestions } from '../../threads/answerQuestions.ts';
import { documentRows } from './documentRows.ts';
import { readDocument } from './readDocument.ts';

export interface DocumentQuestion {
  file: string;
  /** What its rows name as their source. */
  source: string;
  settings: DocumentRows;
}

export interface DocumentAnswer {
  /** JSONL, each row with its line end. */
  lines: string;
  rows: number;
  notes: string[];
}

// A broken PDF also fails where PDF.js itself waits for nothing any more; what matters fails the reading, too. Without
// this the thread would end, and take the document after it along.
process.on('unhandledRejection', () => undefined);

answerQuestions<DocumentQuestion>(async ({ file, source, settings }, tell): Promise<DocumentAnswer> => {
  const { blocks, notes } = await readDocument(file, tell);
  const rows = documentRows(blocks, source, settings);
  return { lines: rows.map((row) => `${JSON.stringify(row)}\n`).join(''), rows: rows.length, notes };
});
