/**
 * Reads dataset files, and looks at all rows of one, in threads of their own: however long a row is, or whatever a
 * library decodes in one go, the process that answers the user neither waits for it nor dies of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { removePartials } from '../files/removePartials.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import { syncFolder, temporaryNameFor } from '../files/writeWhole.ts';
import type { DistinctValues, Recipe, RecipePreview } from '../../src-shared/recipes.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { Threads } from '../threads/threads.ts';
import type { ColumnMap, FileRules } from '../../src-shared/datasets.ts';
import { brokenDataset } from './readers/bytes.ts';
import { RowFile } from './rowFile.ts';
import { RowIndex, type IndexContent } from './rowIndex.ts';
import type { RowQuestion } from './rowThread.ts';
import type { Survey } from './survey.ts';
import type { WrittenRecipe } from './recipe/writeRecipe.ts';

interface RowLimits {
  /** Of a thread's own values; bytes of files, and the numbers of rows, lie outside. */
  memoryMb: number;
  /** Without a sign of progress: one page of Parquet, or a whole workbook, is decoded without one. */
  deadlineMs: number;
}

interface ReadingOptions extends FileRules {
  signal?: AbortSignal;
  /** Called with the bytes read so far. */
  onProgress?: (doneBytes: number) => void;
}

interface RecipeOptions {
  recipe: Recipe;
  /** Where scratch files lie meanwhile. */
  dir: string;
  /** Folder of the model whose tokens a recipe counts. */
  tokenizerDir?: string | undefined;
  signal?: AbortSignal | undefined;
}

const LIMITS: RowLimits = { memoryMb: 2048, deadlineMs: 120_000 };
const MOST_THREADS = 4;

/** The source, or the bundle's file beside this one. */
const ENTRY = path.join(import.meta.dirname, `rowThread${path.extname(import.meta.filename)}`);

/** Everything here throws DATASET_TOO_LARGE, DATASET_TOO_SLOW, or CANCELLED where `signal` is aborted. */
export class RowThreads {
  #threads: Threads;
  #limits: RowLimits;

  constructor(limits = LIMITS) {
    this.#limits = limits;
    this.#threads = new Threads({ entry: ENTRY, memoryMb: limits.memoryMb, most: MOST_THREADS });
  }

  /** Reads a file into an index. `dir`: where its rows lie meanwhile. Throws what readDataset throws. */
  async read(file: string, dir: string, { signal, onProgress, ...rules }: ReadingOptions = {}): Promise<RowIndex> {
    const rowFile = new RowFile(dir);
    try {
      const content = await this.#ask<IndexContent>(
        { kind: 'read', file, rules, dir, fd: rowFile.fd },
        { file, rowFile, signal, onProgress: (doneBytes) => onProgress?.(doneBytes as number) },
      );
      return new RowIndex(content, rowFile);
    } catch (error) {
      rowFile.close();
      throw error;
    }
  }

  /** What surveyRows gives, and throws. */
  survey(index: RowIndex, map: ColumnMap, signal?: AbortSignal): Promise<Survey> {
    const { content, rowFile } = index;
    return this.#ask({ kind: 'survey', content, fd: rowFile.fd, map }, { file: index.file, rowFile, signal });
  }

  /** Numbers of the rows that contain `text`. */
  matches(index: RowIndex, text: string, signal?: AbortSignal): Promise<Int32Array> {
    const { content, rowFile } = index;
    return this.#ask({ kind: 'matches', content, fd: rowFile.fd, text }, { file: index.file, rowFile, signal });
  }

  /** The different values of a column. */
  distinct(index: RowIndex, column: string, signal?: AbortSignal): Promise<DistinctValues> {
    const { content, rowFile } = index;
    return this.#ask({ kind: 'distinct', content, fd: rowFile.fd, column }, { file: index.file, rowFile, signal });
  }

  /** What a recipe would do. Throws what carryOut throws as well. */
  previewRecipe(index: RowIndex, { recipe, dir, tokenizerDir, signal }: RecipeOptions): Promise<RecipePreview> {
    const { content, rowFile, file } = index;
    const question: RowQuestion = { kind: 'previewRecipe', content, fd: rowFile.fd, recipe, dir, tokenizerDir };
    return this.#ask(question, { file, rowFile, signal });
  }

  /**
   * Writes the rows that a recipe leaves as `target`, a JSONL file, whole or not at all. `onProgress`: with the rows of
   * the source that are done. Throws what writeRecipe throws as well.
   */
  async writeRecipe(
    index: RowIndex,
    target: string,
    { recipe, dir, tokenizerDir, signal, onProgress }: RecipeOptions & { onProgress?: (rows: number) => void },
  ): Promise<WrittenRecipe> {
    const { content, rowFile } = index;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    const file = temporaryNameFor(target);
    const question: RowQuestion = { kind: 'writeRecipe', content, fd: rowFile.fd, recipe, dir, tokenizerDir, file };
    let failed = false;
    try {
      const written = await this.#ask<WrittenRecipe>(question, {
        file: index.file,
        rowFile,
        signal,
        onProgress: (rows) => onProgress?.(rows as number),
        // A thread that is being ended may still have made the file.
        onLeft: () => failed && removePartials(target),
      });
      fs.renameSync(file, target);
      syncFolder(path.dirname(target));
      return written;
    } catch (error) {
      failed = true;
      removePartials(target);
      throw systemErrorAbout(error, target);
    }
  }

  #ask<A>(
    question: RowQuestion,
    asked: {
      file: string;
      rowFile: RowIndex['rowFile'];
      signal: AbortSignal | undefined;
      onProgress?: (progress: unknown) => void;
      /** Called once no thread works on it any more. */
      onLeft?: () => void;
    },
  ): Promise<A> {
    const { file, rowFile, signal, onProgress, onLeft } = asked;
    const { deadlineMs, memoryMb } = this.#limits;
    const release = rowFile.hold();
    return this.#threads.ask<A>(question, {
      deadlineMs,
      signal,
      onProgress,
      onLeft: () => {
        release();
        onLeft?.();
      },
      errors: {
        late: () => tooSlow(file, deadlineMs),
        tooLarge: () => tooLarge(file, memoryMb),
        cancelled: () => cancelledReading(file),
        ended: (cause) => brokenDataset(file, 'a table', cause),
      },
    });
  }
}

/** Those of this process. */
export const rowThreads = new RowThreads();

/** Nobody waits for it any more. */
export function cancelledReading(file: string): GraftError {
  return new GraftError('CANCELLED', `Reading ${file} was called off; start it again.`, { file });
}

function tooLarge(file: string, memoryMb: number): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} needs more than ${memoryMb} MiB of memory to be read; save its rows as .csv or .jsonl, or in smaller ` +
      'parts.',
    { file },
  );
}

function tooSlow(file: string, deadlineMs: number): GraftError {
  return new GraftError(
    'DATASET_TOO_SLOW',
    `Reading ${file} was given up, since its next rows did not come in ${Math.round(deadlineMs / 1000)} s; save its ` +
      'rows as .csv or .jsonl, or in smaller parts.',
    { file },
  );
}
