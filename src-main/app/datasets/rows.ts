/**
 * The rows of a dataset in windows, for tables of any length: all of them, those that match a text, the bad, the
 * repeated.
 */
import type { z } from 'zod';
import { toExample } from '../../datasets/examples.ts';
import { duplicateGroups, splitReport } from '../../datasets/duplicates.ts';
import { rangesOf, type RowRange } from '../../datasets/editRows.ts';
import { TimeSlice } from '../../datasets/timeSlice.ts';
import { cellText, type IndexedRow, type RowIndex } from '../../datasets/rowIndex.ts';
import type { Survey, SurveyedBadRow } from '../../datasets/survey.ts';
import type { DistinctValues } from '../../../src-shared/recipes.ts';
import type {
  checkRowSchema,
  distinctSchema,
  Filtered,
  filteredWindowSchema,
  rowSchema,
  Source,
  SourceWindow,
  splitSchema,
} from './inputs.ts';
import { placeName, type LengthBias } from '../../../src-shared/datasets.ts';
import { lengthBias } from './lengthBias.ts';
import type { DatasetService } from './service.ts';

export interface TableRow {
  /** Number of the row in its version, from 0. */
  index: number;
  line: number;
  /** One per column, cut to what a table can show. */
  cells: string[];
}

export interface DuplicateGroup {
  lines: number[];
  /** Of its first row, cut. */
  text: string;
}

/** Characters of a cell that a table row has room for. */
const CELL_CHARS = 240;
/** Lines named of one group of duplicates. */
const GROUP_LINES = 50;

export class DatasetRows {
  #datasets: DatasetService;

  constructor(datasets: DatasetService) {
    this.#datasets = datasets;
  }

  /**
   * A window of the rows, or of those that contain `filter`. `total` counts all of them; `content` says of what file,
   * and how many rows it has.
   */
  async window(input: z.output<typeof filteredWindowSchema>) {
    const { index, numbers } = await this.#matches(input);
    const { offset, count } = input;
    const end = Math.min(offset + count, numbers?.length ?? index.count);
    const rows: TableRow[] = [];
    const slice = new TimeSlice();
    // One after the other: together, long ones would not fit in memory.
    for (let place = offset; place < end; place++) {
      rows.push(toTableRow(index.row(numbers?.[place] ?? place), index.columns));
      if (slice.isOver()) await slice.pause();
    }
    return {
      total: numbers?.length ?? index.count,
      columns: index.columns,
      content: { hash: index.sha256, rows: index.count },
      rows,
    };
  }

  /** Numbers of all rows that contain `filter`, as ranges (end not included). */
  async matching(input: Filtered): Promise<{ ranges: RowRange[] }> {
    const { index, numbers } = await this.#matches(input);
    if (numbers) return { ranges: rangesOf(numbers) };
    return { ranges: index.count > 0 ? [[0, index.count]] : [] };
  }

  /** One row with its whole values. */
  async row(input: z.output<typeof rowSchema>): Promise<IndexedRow> {
    return (await this.#index(input)).row(input.index);
  }

  /** Why a row with these values could not be used; null when it can. */
  async check(input: z.output<typeof checkRowSchema>): Promise<{ reason: string | null }> {
    const { plan } = await this.#survey(input);
    const example = toExample({ line: 0, values: input.values }, plan);
    return { reason: 'reason' in example ? example.reason : null };
  }

  /** The first of them; how many there are in all, the look says. */
  async bad(input: SourceWindow): Promise<{ total: number; rows: SurveyedBadRow[] }> {
    const { bad } = await this.#survey(input);
    return { total: bad.length, rows: bad.slice(input.offset, input.offset + input.count) };
  }

  /** The same rows as CSV with the columns line (or row) and reason. */
  async badAsCsv(input: Source): Promise<string> {
    const { bad } = await this.#survey(input);
    const slice = new TimeSlice();
    const { sharedLines } = await this.#index(input);
    let text = `${placeName(sharedLines)},reason\r\n`;
    for (const { line, reason } of bad) {
      text += `${line},"${reason.replaceAll('"', '""')}"\r\n`;
      if (slice.isOver()) await slice.pause();
    }
    return text;
  }

  /** Of pairs: whether length alone tells which answer is chosen. */
  async lengthBias(input: Source): Promise<LengthBias> {
    return lengthBias(await this.#index(input), await this.#survey(input));
  }

  /** Groups of rows with the same content but for space around it. */
  async duplicates(input: SourceWindow): Promise<{ groups: number; repeated: number; shown: DuplicateGroup[] }> {
    const survey = await this.#survey(input);
    const { groups, shown } = await duplicateGroups(survey, input);
    const index = await this.#index(input);
    return { groups, repeated: survey.good.repeated, shown: shown.map((group) => describeGroup(group, index)) };
  }

  /** The different values of a column, the most frequent first. */
  distinct({ column, ...source }: z.output<typeof distinctSchema>, signal?: AbortSignal): Promise<DistinctValues> {
    return this.#datasets.files.distinct(this.#datasets.reading(source), column, signal);
  }

  /** Training and validation rows as a run would split them, and rows that would be in both. */
  async split(input: z.output<typeof splitSchema>) {
    const { pairs, ...report } = await splitReport(await this.#survey(input), input.val, input.seed);
    const index = await this.#index(input);
    const lines = pairs.map((pair) => ({ valLine: index.lineOf(pair.val), trainLine: index.lineOf(pair.train) }));
    return { ...report, pairs: lines };
  }

  /** `numbers`: of the rows that match; undefined without a filter. */
  async #matches(input: Filtered): Promise<{ index: RowIndex; numbers: Int32Array | undefined }> {
    const reading = this.#datasets.reading(input);
    const { files } = this.#datasets;
    const numbers = input.filter === '' ? undefined : await files.matches(reading, input.filter);
    return { index: await files.index(reading), numbers };
  }

  #index(source: Source): Promise<RowIndex> {
    return this.#datasets.files.index(this.#datasets.reading(source));
  }

  #survey(source: Source): Promise<Survey> {
    return this.#datasets.files.survey(this.#datasets.reading(source));
  }
}

function describeGroup(numbers: number[], index: RowIndex): DuplicateGroup {
  const cells = numbers.slice(0, 1).flatMap((first) => toTableRow(index.row(first), index.columns).cells);
  const text = cells.filter((cell) => cell !== '').join(' · ');
  return { lines: numbers.slice(0, GROUP_LINES).map((number) => index.lineOf(number)), text: cut(text) };
}

function toTableRow({ index, line, values }: IndexedRow, columns: readonly string[]): TableRow {
  return { index, line, cells: columns.map((column) => cut(cellText(values[column]))) };
}

function cut(text: string): string {
  return text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS)}…` : text;
}
