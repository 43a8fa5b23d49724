/**
 * The dataset files that are being looked at: each is read once and kept open while it is among the last few used.
 * A file that has changed on disk is read again. What nobody waits for any more is not read to its end.
 */
import { factsOf, fileIdentity } from './fileIdentity.ts';
import type { RowIndex } from './rowIndex.ts';
import { cancelledReading, rowThreads } from './rowThreads.ts';
import { SharedWork } from './sharedWork.ts';
import type { Survey } from './survey.ts';
import type { WrittenRecipe } from './recipe/writeRecipe.ts';
import type { DistinctValues, Recipe, RecipePreview } from '../../src-shared/recipes.ts';
import type { ColumnMap, FileRules } from '../../src-shared/datasets.ts';

/** How far a file has been read, in bytes. */
export interface OpenProgress {
  done: number;
  total: number;
}

/** A file or folder with the rules that its rows are read by. */
export interface FileReading extends FileRules {
  file: string;
}

interface RecipeWork {
  recipe: Recipe;
  /** Folder of the model whose tokens a recipe counts. */
  tokenizerDir?: string | undefined;
  signal?: AbortSignal | undefined;
}

interface Opened {
  key: string;
  index: SharedWork<RowIndex>;
  progress: OpenProgress;
  surveys: Map<string, SharedWork<Survey>>;
  /** Row numbers by filter text. */
  matches: Map<string, SharedWork<Int32Array>>;
  /** By column. */
  distinct: Map<string, SharedWork<DistinctValues>>;
}

const KEPT_FILES = 4;
const KEPT_PER_FILE = 4;

export class DatasetFiles {
  #dir: string;
  #opened: Opened[] = [];

  /** `dir`: where rows lie while a file is looked at. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Throws what readDataset throws, or CANCELLED once `signal` is aborted. */
  async index(reading: FileReading, signal?: AbortSignal): Promise<RowIndex> {
    return this.#open(reading).index.wait(signal);
  }

  /**
   * Good and bad rows, groups and duplicates, read with these columns. Throws what readDataset and planColumns throw,
   * or CANCELLED.
   */
  async survey(reading: FileReading & { map?: ColumnMap }, signal?: AbortSignal): Promise<Survey> {
    const opened = this.#open(reading);
    const index = await opened.index.wait(signal);
    const { map = {} } = reading;
    const key = JSON.stringify(Object.entries(map).sort());
    return recall(opened.surveys, key, index, (stop) => rowThreads.survey(index, map, stop)).wait(signal);
  }

  /** Numbers of the rows that contain a text. */
  async matches(reading: FileReading, text: string, signal?: AbortSignal): Promise<Int32Array> {
    const opened = this.#open(reading);
    const index = await opened.index.wait(signal);
    return recall(opened.matches, text, index, (stop) => rowThreads.matches(index, text, stop)).wait(signal);
  }

  /** The different values of a column. */
  async distinct(reading: FileReading, column: string, signal?: AbortSignal): Promise<DistinctValues> {
    const opened = this.#open(reading);
    const index = await opened.index.wait(signal);
    return recall(opened.distinct, column, index, (stop) => rowThreads.distinct(index, column, stop)).wait(signal);
  }

  /** What a recipe would do. Throws what previewRecipe throws, or CANCELLED. */
  async previewRecipe(reading: FileReading, work: RecipeWork): Promise<RecipePreview> {
    const index = await this.index(reading, work.signal);
    return rowThreads.previewRecipe(index, { ...work, dir: this.#dir });
  }

  /** Writes what a recipe leaves as `target`. Throws what writeRecipe throws, or CANCELLED. */
  async writeRecipe(
    reading: FileReading,
    target: string,
    work: RecipeWork & { onProgress?: (progress: OpenProgress) => void },
  ): Promise<WrittenRecipe> {
    const index = await this.index(reading, work.signal);
    const onProgress = (done: number): void => work.onProgress?.({ done, total: index.count });
    onProgress(0);
    return rowThreads.writeRecipe(index, target, { ...work, dir: this.#dir, onProgress });
  }

  /** How far the file has been read by now; undefined where it is not, or not any more. */
  progress(reading: FileReading): OpenProgress | undefined {
    return this.#known(keyOf(reading))?.progress;
  }

  /** What is being read is not read to its end. */
  close(): void {
    for (const opened of this.#opened.splice(0)) {
      const { index, surveys, matches, distinct } = opened;
      for (const work of [index, ...surveys.values(), ...matches.values(), ...distinct.values()]) work.stop();
      discard(opened);
    }
  }

  #known(key: string): Opened | undefined {
    return this.#opened.find((opened) => opened.key === key && !opened.index.isStopped);
  }

  #open(reading: FileReading): Opened {
    const key = keyOf(reading);
    const opened = this.#known(key) ?? this.#read(reading.file, rulesOf(reading), key);
    this.#opened = this.#opened.filter((other) => other !== opened && !other.index.isStopped);
    this.#opened.push(opened);
    for (const old of this.#opened.splice(0, Math.max(0, this.#opened.length - KEPT_FILES))) discard(old);
    return opened;
  }

  #read(file: string, rules: FileRules, key: string): Opened {
    const progress = { done: 0, total: factsOf(file).sizeBytes ?? 0 };
    const onProgress = (doneBytes: number): void => void (progress.done = doneBytes);
    const index = new SharedWork(
      (signal) => rowThreads.read(file, this.#dir, { ...rules, signal, onProgress }),
      () => cancelledReading(file),
    );
    const opened = { key, index, progress, surveys: new Map(), matches: new Map(), distinct: new Map() };
    // Whoever asked hears of a failure; the next asks again.
    index.result.catch(() => (this.#opened = this.#opened.filter((other) => other !== opened)));
    return opened;
  }
}

function rulesOf({ format, part, noHeader }: FileReading): FileRules {
  return { format: format ?? undefined, part, noHeader };
}

function keyOf(reading: FileReading): string {
  return `${fileIdentity(reading.file)} ${JSON.stringify(rulesOf(reading))}`;
}

/** What is known under `key`, else what `make` begins; the oldest leaves when there are too many. */
function recall<T>(
  known: Map<string, SharedWork<T>>,
  key: string,
  { file }: RowIndex,
  make: (stop: AbortSignal) => Promise<T>,
): SharedWork<T> {
  const found = known.get(key);
  if (found && !found.isStopped) return found;
  const made = new SharedWork(make, () => cancelledReading(file));
  known.delete(key);
  known.set(key, made);
  made.result.catch(() => known.get(key) === made && known.delete(key));
  const [oldest] = known.keys();
  if (oldest !== undefined && known.size > KEPT_PER_FILE) known.delete(oldest);
  return made;
}

function discard(opened: Opened): void {
  opened.index.result.then(
    (index) => index.close(),
    () => undefined,
  );
}
