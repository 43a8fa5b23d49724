/** The questions of a suite out of a dataset's rows: those with the same prompt are one, with several references. */
import type { RowIndex } from '../../datasets/rowIndex.ts';
import { questionIn } from '../../datasets/questionOf.ts';
import { validationRows } from '../../datasets/split.ts';
import type { Survey } from '../../datasets/survey.ts';
import { inSlices, TimeSlice } from '../../datasets/timeSlice.ts';
import type { Run } from '../../catalog/runs.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { Random } from '../../../src-shared/random.ts';
import { MOST_QUESTIONS, type SuiteQuestion, type SuiteRows } from '../../../src-shared/suites.ts';

/** A dataset that has been read. */
export interface OpenDataset {
  name: string;
  survey: Survey;
  index: RowIndex;
}

/** Places of good rows, by question. */
type Groups = number[][];

/**
 * In the order of the file. `run`: whose validation rows they are. Throws a usage error SUITE_NO_QUESTIONS or
 * SUITE_ROWS_UNKNOWN, or BAD_INPUT for too many.
 */
export async function questionsOf(
  { name, survey, index }: OpenDataset,
  rows: SuiteRows,
  run: Run | undefined,
): Promise<SuiteQuestion[]> {
  if (survey.plan.kind === 'text')
    throw usageError(
      'SUITE_NO_QUESTIONS',
      `The rows of ${name} are texts without a question; choose a dataset of prompts and answers, or take this one ` +
        'as the general set.',
    );
  const groups = chosenGroups(await groupsOf(survey, run), rows);
  if (groups.length > MOST_QUESTIONS)
    throw usageError(
      'BAD_INPUT',
      `${name} asks ${counted(groups.length, 'question')}, more than the ${MOST_QUESTIONS} of a suite; take a sample.`,
      { questions: groups.length },
    );
  const questions: SuiteQuestion[] = [];
  const slice = new TimeSlice();
  for (const places of groups) {
    questions.push(questionOfRows(places, survey, index));
    if (slice.isOver()) await slice.pause();
  }
  return questions;
}

/** So many rows of a dataset, drawn by a fixed seed. */
export function sampledRows({ survey, index }: OpenDataset, count: number): Pick<SuiteQuestion, 'line' | 'values'>[] {
  const places = Array.from({ length: survey.good.count }, (_, place) => place);
  const drawn = Random.stream(0, 'general').shuffle(places).slice(0, count);
  return drawn.sort((a, b) => a - b).map((place) => index.row(survey.good.index[place]!));
}

async function groupsOf({ good }: Survey, run: Run | undefined): Promise<Groups> {
  const inVal = run && (await heldOutPlaces(good, run));
  const groups = new Map<number, number[]>();
  for (let place = 0; place < good.count; place++) {
    if (inVal && inVal[place] !== 1) continue;
    const group = good.group[place]!;
    const known = groups.get(group);
    if (known) known.push(place);
    else groups.set(group, [place]);
  }
  return [...groups.values()];
}

/** The split depends on the rows that could be tokenised: where some could not, nobody knows it without the model. */
async function heldOutPlaces(good: Survey['good'], { id, spec, started }: Run): Promise<Uint8Array> {
  const inVal = await inSlices(validationRows(good.group, spec.train.val, spec.train.seed));
  const count = inVal.reduce((sum, one) => sum + one, 0);
  const known = started && started.trainRows + started.valRows + (spec.data.excludeLines?.length ?? 0);
  if (count > 0 && started?.valRows === count && known !== null && known >= good.count) return inVal;
  throw usageError(
    'SUITE_ROWS_UNKNOWN',
    count === 0 || started?.valRows === 0
      ? `The run ${id} kept no rows for validation; ask all rows of another dataset, or a sample.`
      : `Which rows the run ${id} kept for validation is not known any more; ask all rows of another dataset.`,
    { runId: id },
  );
}

function chosenGroups(groups: Groups, rows: SuiteRows): Groups {
  if (rows.kind !== 'sample' || rows.count >= groups.length) return groups;
  const order = groups.map((_, i) => i);
  const drawn = Random.stream(rows.seed, 'suite').shuffle(order).slice(0, rows.count);
  return drawn.sort((a, b) => a - b).map((i) => groups[i]!);
}

/** Each once, white space around it aside, as it stands first. */
export function distinctTexts(texts: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const text of texts) if (!seen.has(text.trim())) seen.set(text.trim(), text);
  return [...seen.values()];
}

function questionOfRows(places: readonly number[], { plan, good }: Survey, index: RowIndex): SuiteQuestion {
  const rows = places.map((place) => index.row(good.index[place]!));
  const read = rows.flatMap((row) => {
    const question = questionIn(row, plan);
    return 'reason' in question ? [] : [question];
  });
  const [first] = rows;
  return {
    line: first!.line,
    prompt: read[0]?.prompt ?? '',
    references: distinctTexts(read.map(({ answer }) => answer)),
    values: first!.values,
  };
}
