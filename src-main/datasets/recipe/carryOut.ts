/**
 * Carries a recipe out on the rows of a file: row by row into a scratch file, of which those are taken in the end that
 * balance and sample choose. Memory holds a few numbers per row.
 */
import {
  isStepOn,
  RECIPE_STEPS,
  type PersonalKind,
  type Recipe,
  type RecipeReport,
  type RecipeStep,
  type StepReport,
} from '../../../src-shared/recipes.ts';
import { FirstSeen } from '../firstSeen.ts';
import { RowFile } from '../rowFile.ts';
import type { IndexedRow } from '../rowIndex.ts';
import { NumberList, RowWriter } from '../rowStore.ts';
import type { TextTokenizer } from '../tokenizer.ts';
import { balanceClasses, sampleRows } from './choose.ts';
import { NearDuplicates } from './nearDuplicates.ts';
import { noPersonal } from './personal.ts';
import { requireColumns, rowSteps, type RowWork } from './rowSteps.ts';
import { textOf, textsOf, type Values } from './texts.ts';

export interface RecipeSource {
  rows: AsyncIterable<IndexedRow>;
  /** Of the whole file, whether `rows` are all of it or not. */
  count: number;
  columns: readonly string[];
  /** Where scratch files lie, without a name. */
  dir: string;
  tokenizer?: TextTokenizer | undefined;
  /** Called for each row of the source. */
  onRow: () => void;
  /** The first rows whose way is told. */
  traced: number;
}

/** A row of the source and what has become of it. */
export interface TracedRow {
  row: IndexedRow;
  items: { values: Values; number: number }[];
  leftOutBy: RecipeStep | null;
}

export interface CarriedOut {
  /** The rows that came through all steps but the last two; to be closed. */
  scratch: RowFile;
  starts: Float64Array;
  /** 1 for each of them that is to be written. */
  kept: Uint8Array;
  report: RecipeReport;
  traced: TracedRow[];
}

/** Throws a usage error BAD_INPUT where the recipe does not fit the rows, DATASET_TOO_LARGE, DISK_FULL. */
export async function carryOut(recipe: Recipe, source: RecipeSource): Promise<CarriedOut> {
  const scratch = new RowFile(source.dir);
  const masked = noPersonal();
  const tallies = new Tallies(recipe);
  let closeSteps: () => void = () => undefined;
  try {
    const classes = classesOf(recipe, source.columns);
    const steps = rowSteps(recipe, { ...source, onMasked: (kind: PersonalKind) => masked[kind]++ });
    const later = repeatSteps(recipe, source);
    closeSteps = later.close;
    const work = [...steps, ...later.steps];
    const writer = new RowWriter(scratch.fd, source.dir);
    const traced: TracedRow[] = [];
    let rows = 0;
    let count = 0;
    for await (const row of source.rows) {
      rows++;
      const { items, leftOutBy } = through(row, work, tallies);
      const trace: TracedRow | undefined = rows <= source.traced ? { row, items: [], leftOutBy } : undefined;
      if (trace) traced.push(trace);
      for (const values of items) {
        writer.push(values);
        classes?.note(values);
        trace?.items.push({ values, number: count });
        count++;
      }
      source.onRow();
    }
    const starts = writer.finish();
    const kept = new Uint8Array(count).fill(1);
    choose(recipe, { kept, classes: classes?.numbers.values(), tallies, traced });
    const report = { rows, kept: sumOf(kept), steps: tallies.reports(), masked };
    return { scratch, starts, kept, report, traced };
  } catch (error) {
    scratch.close();
    throw error;
  } finally {
    closeSteps();
  }
}

/** One row through the steps. */
function through(
  { index, values }: IndexedRow,
  work: readonly RowWork[],
  tallies: Tallies,
): { items: Values[]; leftOutBy: RecipeStep | null } {
  let items: Values[] = [values];
  for (const { step, apply } of work) {
    const next: Values[] = [];
    for (const item of items) {
      const made = apply({ index, values: item });
      tallies.note(step, item, made);
      next.push(...made);
    }
    items = next;
    if (items.length === 0) return { items, leftOutBy: step };
  }
  return { items, leftOutBy: null };
}

/** Steps that remember the rows before. */
function repeatSteps(
  { duplicates, nearDuplicates }: Recipe,
  { dir, columns }: RecipeSource,
): { steps: RowWork[]; close: () => void } {
  const steps: RowWork[] = [];
  let close: () => void = () => undefined;
  if (duplicates?.on) {
    requireColumns(named(duplicates.columns), columns);
    const seen = new FirstSeen();
    let count = 0;
    const isNew = (values: Values): boolean => {
      const texts = textsOf(values, named(duplicates.columns).length > 0 ? duplicates.columns : columns);
      return seen.note(JSON.stringify(texts.map((text) => text.trim())), count) === count++;
    };
    steps.push({ step: 'duplicates', apply: ({ values }) => (isNew(values) ? [values] : []) });
  }
  if (nearDuplicates?.on) {
    requireColumns(named(nearDuplicates.columns), columns);
    const near = new NearDuplicates(nearDuplicates, dir);
    close = () => near.close();
    const repeats = (values: Values): boolean => near.repeats(textsOf(values, nearDuplicates.columns).join('\n'));
    steps.push({ step: 'nearDuplicates', apply: ({ values }) => (repeats(values) ? [] : [values]) });
  }
  return { steps, close };
}

function named(columns: readonly string[]): { column: string }[] {
  return columns.map((column) => ({ column }));
}

/** A number for each value of the column that is balanced. */
function classesOf(
  { balance }: Recipe,
  columns: readonly string[],
): { numbers: NumberList; note: (values: Values) => void } | undefined {
  if (!balance?.on) return undefined;
  requireColumns([balance], columns);
  const numbers = new NumberList();
  const seen = new FirstSeen();
  return { numbers, note: (values) => numbers.push(seen.note(textOf(values[balance.column]), numbers.count)) };
}

function choose(
  { balance, sample }: Recipe,
  at: { kept: Uint8Array; classes: Float64Array | undefined; tallies: Tallies; traced: TracedRow[] },
): void {
  const { kept, classes, tallies, traced } = at;
  const step = (name: RecipeStep, work: () => void): void => {
    const before = sumOf(kept);
    work();
    tallies.leave(name, before, before - sumOf(kept));
    for (const trace of traced) {
      const had = trace.items.length > 0;
      trace.items = trace.items.filter(({ number }) => kept[number]);
      if (had && trace.items.length === 0) trace.leftOutBy = name;
    }
  };
  if (balance?.on && classes) step('balance', () => balanceClasses(kept, classes, balance));
  if (sample?.on) step('sample', () => sampleRows(kept, sample));
}

function sumOf(kept: Uint8Array): number {
  let sum = 0;
  for (const one of kept) sum += one;
  return sum;
}

/** What each step has done so far. */
class Tallies {
  #reports: Map<RecipeStep, StepReport>;

  constructor(recipe: Recipe) {
    this.#reports = new Map(
      RECIPE_STEPS.filter((step) => isStepOn(recipe, step)).map((step) => [
        step,
        { step, rows: 0, leftOut: 0, changed: 0, added: 0 },
      ]),
    );
  }

  note(step: RecipeStep, before: Values, after: readonly Values[]): void {
    const report = this.#reports.get(step)!;
    report.rows++;
    if (after.length === 0) report.leftOut++;
    else {
      if (after[0] !== before) report.changed++;
      report.added += after.length - 1;
    }
  }

  leave(step: RecipeStep, rows: number, leftOut: number): void {
    Object.assign(this.#reports.get(step)!, { rows, leftOut });
  }

  reports(): StepReport[] {
    return [...this.#reports.values()];
  }
}
