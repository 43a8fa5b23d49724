/**
 * The rows of a dataset in windows, for tables of any length: all of them, those that match a text, the bad, the
 * repeated.
 */
import { z } from 'zod';
import { toExample } from '../datasets/columns.ts';
import { duplicateGroups, splitReport } from '../datasets/duplicates.ts';
import { rangesOf } from '../datasets/editRows.ts';
import { Pace } from '../datasets/pace.ts';
import { cellText, type IndexedRow, type RowIndex } from '../datasets/rowIndex.ts';
import type { SurveyedBadRow } from '../datasets/survey.ts';
import type { Services } from '../app/services.ts';
import { readingOf, sourceSchema, windowSchema } from '../app/datasets/input.ts';
import { procedure } from './trpc.ts';

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

const filtered = sourceSchema.extend({ filter: z.string().max(1000).default('') });

export function rowProcedures({ catalog, datasetFiles: files }: Services) {
  const numbersOf = async (
    input: z.infer<typeof filtered>,
  ): Promise<{ index: RowIndex; numbers: number[] | undefined }> => {
    const { file, format } = readingOf(catalog, input);
    const numbers = input.filter === '' ? undefined : await files.matches(file, format, input.filter);
    return { index: await files.index(file, format), numbers };
  };

  return {
    /**
     * A window of the rows, or of those that contain `filter`. `total` counts all of them; `content` says of what file,
     * and how many rows it has.
     */
    rows: procedure.input(filtered.extend(windowSchema.shape)).query(async ({ input }) => {
      const { index, numbers } = await numbersOf(input);
      const { offset, count } = input;
      const rows = numbers
        ? numbers.slice(offset, offset + count).map((number) => index.row(number))
        : index.window(offset, count);
      return {
        total: numbers?.length ?? index.count,
        columns: index.columns,
        content: { hash: index.sha256, rows: index.count },
        rows: rows.map((row) => toTableRow(row, index.columns)),
      };
    }),

    /** Numbers of all rows that contain `filter`, as ranges (end not included). */
    matching: procedure.input(filtered).query(async ({ input }) => {
      const { index, numbers } = await numbersOf(input);
      return { ranges: numbers ? rangesOf(numbers) : index.count > 0 ? [[0, index.count] as [number, number]] : [] };
    }),

    /** One row with its whole values. */
    row: procedure.input(sourceSchema.extend({ index: z.number().int().min(0) })).query(async ({ input }) => {
      const { file, format } = readingOf(catalog, input);
      return (await files.index(file, format)).row(input.index);
    }),

    /** Why a row with these values could not be used; null when it can. */
    checkRow: procedure
      .input(sourceSchema.extend({ values: z.record(z.string(), z.unknown()) }))
      .query(async ({ input }) => {
        const { file, format, map } = readingOf(catalog, input);
        const { plan } = await files.survey(file, format, map);
        const example = toExample({ line: 0, values: input.values }, plan);
        return { reason: 'reason' in example ? example.reason : null };
      }),

    badRows: procedure.input(sourceSchema.extend(windowSchema.shape)).query(async ({ input }) => {
      const bad = await badRowsOf(input);
      return { total: bad.length, rows: bad.slice(input.offset, input.offset + input.count) };
    }),

    /** All bad rows as CSV with the columns line and reason. */
    badRowsCsv: procedure.input(sourceSchema).query(async ({ input }) => {
      const bad = await badRowsOf(input);
      const pace = new Pace();
      let text = 'line,reason\r\n';
      for (const { line, reason } of bad) {
        text += `${line},"${reason.replaceAll('"', '""')}"\r\n`;
        if (pace.isDue()) await pace.rest();
      }
      return text;
    }),

    /** Groups of rows with the same content but for space around it. */
    duplicates: procedure.input(sourceSchema.extend(windowSchema.shape)).query(async ({ input }) => {
      const { file, format, map } = readingOf(catalog, input);
      const survey = await files.survey(file, format, map);
      const { groups, shown } = await duplicateGroups(survey, input);
      const index = await files.index(file, format);
      const described = shown.map((group): DuplicateGroup => {
        const text = toTableRow(index.row(group[0]!), index.columns)
          .cells.filter((cell) => cell !== '')
          .join(' · ');
        return { lines: group.slice(0, GROUP_LINES).map((number) => index.lineOf(number)), text: cut(text) };
      });
      return { groups, repeated: survey.good.repeated, shown: described };
    }),

    /** Training and validation rows as a run would split them, and rows that would be in both. */
    split: procedure
      .input(sourceSchema.extend({ val: z.number().min(0).max(0.9), seed: z.number().int().default(0) }))
      .query(async ({ input }) => {
        const { file, format, map } = readingOf(catalog, input);
        const { pairs, ...report } = await splitReport(await files.survey(file, format, map), input.val, input.seed);
        const index = await files.index(file, format);
        const lines = pairs.map((pair) => ({ valLine: index.lineOf(pair.val), trainLine: index.lineOf(pair.train) }));
        return { ...report, pairs: lines };
      }),
  };

  async function badRowsOf(input: z.infer<typeof sourceSchema>): Promise<readonly SurveyedBadRow[]> {
    const { file, format, map } = readingOf(catalog, input);
    return (await files.survey(file, format, map)).bad;
  }
}

function toTableRow({ index, line, values }: IndexedRow, columns: readonly string[]): TableRow {
  return { index, line, cells: columns.map((column) => cut(cellText(values[column]))) };
}

function cut(text: string): string {
  return text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS)}…` : text;
}
