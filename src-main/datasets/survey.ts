/**
 * What a file's rows are for training: which are good, which share a prompt, which are the same. One pass over the
 * rows; afterwards a few numbers per row answer every question about bad rows, duplicates and the split.
 */
import { planColumns } from './columns.ts';
import { BadRows, firstBadRows } from './badRows.ts';
import { toExample } from './examples.ts';
import { UnusedFields } from './unusedFields.ts';
import type {
  BadRow,
  ColumnMap,
  ColumnPlan,
  Example,
  Message,
  RowContent,
  UnusedField,
} from '../../src-shared/datasets.ts';
import { promptOf } from './groups.ts';
import { FirstSeen } from './firstSeen.ts';
import type { RowIndex } from './rowIndex.ts';

/** A bad row, with its number where it could at least be parsed. */
export interface SurveyedBadRow extends BadRow {
  index: number | null;
}

/**
 * The good rows in file order, an array per fact that threads share: objects of their own would make every garbage
 * collection long.
 */
export interface SurveyedRows {
  count: number;
  /** Rows that repeat an earlier one. */
  repeated: number;
  /** Number of the row in its file. */
  index: Int32Array;
  /** Rows with the same prompt have the same number, as the split sees them. */
  group: Int32Array;
  /** Place in these arrays of the first row with the same content, but for space around it. */
  sameAs: Int32Array;
  /** The same, but for upper and lower case, space anywhere and the form of its letters. */
  alike: Int32Array;
  /** Characters of all its texts. */
  characters: Int32Array;
}

export interface Survey {
  plan: ColumnPlan;
  good: SurveyedRows;
  /** The first of them in file order, and how many there are in all. */
  bad: SurveyedBadRow[];
  badCount: number;
  /** What the good rows say and training does not use. */
  unused: UnusedField[];
}

/**
 * Looks at every row once, calling `onRow` for each. Throws what planColumns throws; rows that cannot be used are
 * collected.
 */
export async function surveyRows(
  index: RowIndex,
  map: ColumnMap = {},
  onRow: () => void = () => undefined,
): Promise<Survey> {
  const plan = planColumns(index.file, index.columns, map);
  const numberEach = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * index.count));
  const [numbers, group, sameAs] = [numberEach(), numberEach(), numberEach()];
  const [alike, characters] = [numberEach(), numberEach()];
  let count = 0;
  let repeated = 0;
  const unusable = new BadRows<SurveyedBadRow>();
  let groups = 0;
  const unused = new UnusedFields(plan);
  const [prompts, contents, meanings] = [new FirstSeen(), new FirstSeen(), new FirstSeen()];
  for await (const row of index.rows()) {
    onRow();
    const example = toExample(row, plan);
    if ('reason' in example) {
      unusable.add({ ...example, index: row.index });
      continue;
    }
    unused.note(row, example);
    const texts = textsOf(example);
    numbers[count] = row.index;
    group[count] = prompts.note(promptOf(example), groups);
    if (group[count] === groups) groups++;
    sameAs[count] = contents.note(JSON.stringify(texts.map((text) => text.trim())), count);
    if (sameAs[count] !== count) repeated++;
    alike[count] = meanings.note(JSON.stringify(texts.map(normalised)), count);
    characters[count] = texts.reduce((sum, text) => sum + text.length, 0);
    count++;
  }
  const unreadable = index.bad.map((row) => ({ ...row, index: null }));
  const filled = (values: Int32Array): Int32Array => values.subarray(0, count);
  return {
    plan,
    good: {
      count,
      repeated,
      index: filled(numbers),
      group: filled(group),
      sameAs: filled(sameAs),
      alike: filled(alike),
      characters: filled(characters),
    },
    bad: firstBadRows([...unreadable, ...unusable.kept]),
    badCount: index.badCount + unusable.count,
    unused: unused.list(),
  };
}

/** The texts of an example; rows with another rejected answer, or another mark, are no repetitions. */
function textsOf({ rejected, good, ...content }: Example): string[] {
  const mark = good === undefined ? [] : [String(good)];
  return [...contentTexts(content), ...(rejected ? contentTexts(rejected) : []), ...mark];
}

/** With what tells them apart: the roles of messages and their tools, the label of a text. */
function contentTexts(example: RowContent): string[] {
  if (example.messages) {
    const tools = example.tools ? [JSON.stringify(example.tools)] : [];
    return [...tools, ...example.messages.flatMap((message) => [roleOf(message), message.content])];
  }
  return [...example.segments.map((segment) => segment.text), ...(example.label === undefined ? [] : [example.label])];
}

function roleOf({ role, train, fields }: Message): string {
  return `${role}${train === false ? ' not learnt' : ''}${fields ? JSON.stringify(fields) : ''}`;
}

function normalised(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
