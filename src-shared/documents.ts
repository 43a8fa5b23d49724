/** Documents as rows: what a row is, and what came of the documents. */
import { z } from 'zod';

/** `chunk`: paragraphs up to a number of characters. */
const ROW_UNITS = ['chunk', 'page', 'document'] as const;
export type RowUnit = (typeof ROW_UNITS)[number];

const LEAST_CHARS = 200;
const MOST_CHARS = 100_000;

export const documentRowsSchema = z
  .object({
    rowUnit: z.enum(ROW_UNITS).default('chunk'),
    /** Of a chunk. */
    maxChars: z.number().int().min(LEAST_CHARS).max(MOST_CHARS).default(2000),
    /** Characters of a chunk that its successor begins with, at most half a chunk. */
    overlapChars: z.number().int().min(0).default(0),
  })
  .refine(({ maxChars, overlapChars }) => overlapChars <= maxChars / 2, {
    path: ['overlapChars'],
    message: 'is more than half of a chunk',
  });
export type DocumentRows = z.output<typeof documentRowsSchema>;

/** A document of which no row was made, and why, in a sentence. */
export interface RefusedDocument {
  file: string;
  reason: string;
}

export interface ConvertedDocuments {
  /** The file of rows, JSONL. */
  file: string;
  documents: number;
  rows: number;
  /** What was left out or mended while reading, in sentences. */
  notes: string[];
  refused: RefusedDocument[];
}

export type ConvertEvent =
  { type: 'progress'; done: number; total: number; file: string } | { type: 'done'; result: ConvertedDocuments };

/** Names of documents. What a file is, its content says; names decide what is offered and looked for. */
export const DOCUMENT_EXTENSIONS = ['pdf', 'docx', 'html', 'htm', 'xhtml', 'md', 'markdown', 'txt', 'text'];
/** Those that are documents and nothing else: text may also be rows. */
export const SURE_DOCUMENT_EXTENSIONS = ['pdf', 'docx', 'html', 'htm', 'xhtml'];
