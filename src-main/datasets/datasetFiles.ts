/**
 * The dataset files that are being looked at: each is read once and kept open while it is among the last few used.
 * A file that has changed on disk is read again.
 */
import { factsOf, fileIdentity } from './fileIdentity.ts';
import { buildIndex, type RowIndex } from './rowIndex.ts';
import { surveyRows, type Survey } from './survey.ts';
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

interface Opened {
  key: string;
  index: Promise<RowIndex>;
  progress: OpenProgress;
  surveys: Map<string, Promise<Survey>>;
  /** Row numbers by filter text. */
  matches: Map<string, Promise<number[]>>;
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

  /** Throws what readDataset throws. */
  index(reading: FileReading): Promise<RowIndex> {
    return this.#open(reading).index;
  }

  /**
   * Good and bad rows, groups and duplicates, read with these columns. Throws what readDataset and planColumns throw.
   */
  async survey(reading: FileReading & { map?: ColumnMap }): Promise<Survey> {
    const opened = this.#open(reading);
    const index = await opened.index;
    const { map = {} } = reading;
    return recall(opened.surveys, JSON.stringify(Object.entries(map).sort()), () => surveyRows(index, map));
  }

  /** Numbers of the rows that contain a text. */
  async matches(reading: FileReading, text: string): Promise<number[]> {
    const opened = this.#open(reading);
    const index = await opened.index;
    return recall(opened.matches, text, () => index.matches(text));
  }

  /** How far the file has been read by now. */
  progress(reading: FileReading): OpenProgress {
    return this.#open(reading).progress;
  }

  close(): void {
    for (const opened of this.#opened.splice(0)) discard(opened);
  }

  #open({ file, format, part, noHeader }: FileReading): Opened {
    const rules = { format: format ?? undefined, part, noHeader };
    const key = `${fileIdentity(file)} ${JSON.stringify(rules)}`;
    const at = this.#opened.findIndex((opened) => opened.key === key);
    const opened = this.#opened.splice(at, at < 0 ? 0 : 1)[0] ?? this.#read(file, rules, key);
    this.#opened.push(opened);
    for (const old of this.#opened.splice(0, Math.max(0, this.#opened.length - KEPT_FILES))) discard(old);
    return opened;
  }

  #read(file: string, rules: FileRules, key: string): Opened {
    const progress = { done: 0, total: factsOf(file).sizeBytes ?? 0 };
    const index = buildIndex(file, this.#dir, { ...rules, onProgress: (doneBytes) => (progress.done = doneBytes) });
    // Whoever asked hears of a failure; the next asks again.
    index.catch(() => (this.#opened = this.#opened.filter((opened) => opened.key !== key)));
    return { key, index, progress, surveys: new Map(), matches: new Map() };
  }
}

/** What is known under `key`, else what `make` gives; the oldest leaves when there are too many. */
function recall<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  const [oldest] = known.keys();
  if (oldest !== undefined && known.size > KEPT_PER_FILE) known.delete(oldest);
  return made;
}

function discard(opened: Opened): void {
  opened.index.then(
    (index) => index.close(),
    () => undefined,
  );
}
