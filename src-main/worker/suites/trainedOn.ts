/** Which questions of a suite were among the rows that a run was trained on. */
import fs from 'node:fs';
import { planColumns } from '../../datasets/columns.ts';
import { questionIn } from '../../datasets/questionOf.ts';
import { openRows, readToEnd } from '../../datasets/read.ts';
import { splitRowList } from '../../datasets/split.ts';
import { prepareTokens } from '../../datasets/tokens/preparedTokens.ts';
import { lineOf, type RowList } from '../../datasets/tokens/rowList.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { Contamination } from '../../evaluation/contamination.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Contamination as Found, SuiteQuestion, TrainedRows } from '../../../src-shared/suites.ts';

interface Parts {
  tokenizer: TextTokenizer;
  vocab: number;
  maxPositions: number;
  modelDir: string;
}

/** Compares the rows that were trained on, those for validation aside. A file that is gone or changed tells nothing. */
export async function trainedOn(
  questions: readonly SuiteQuestion[],
  { data, val, seed }: TrainedRows,
  { maxPositions, ...parts }: Parts,
): Promise<Found> {
  if (!fs.existsSync(data.file)) return { unknown: `the training file ${data.file} is gone` };
  try {
    const maxLength = Math.min(data.maxLength, maxPositions);
    const prepared = await prepareTokens({ ...data, ...parts, maxLength });
    try {
      if (data.hash !== undefined && prepared.sha256 !== data.hash)
        return { unknown: `the training file ${data.file} has changed since the run` };
      const lines = linesOf(splitRowList(prepared.examples, val, seed).train, data.excludeLines);
      return await compared(questions, data, lines);
    } finally {
      prepared.close();
    }
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { unknown: `the training file cannot be read: ${error.message}` };
  }
}

function linesOf(rows: RowList, excluded: readonly number[] = []): Set<number> {
  const lines = new Set<number>();
  for (let row = 0; row < rows.length; row++) lines.add(lineOf(rows, row));
  for (const line of excluded) lines.delete(line);
  return lines;
}

async function compared(
  questions: readonly SuiteQuestion[],
  data: TrainedRows['data'],
  lines: ReadonlySet<number>,
): Promise<Found> {
  // Twice: its columns are known once it has been read, and its rows need not fit into memory.
  const known = await openRows(data.file, data);
  await readToEnd(known.rows);
  const plan = planColumns(data.file, known.columns(), data.map);
  const { rows } = await openRows(data.file, data);
  const found = new Contamination(questions.map(({ prompt, references }) => ({ prompt, answers: references })));
  let trainRows = 0;
  for await (const row of rows) {
    if ('reason' in row || !lines.has(row.line)) continue;
    const question = questionIn(row, plan);
    if ('reason' in question) continue;
    found.add({ prompt: question.prompt, answers: [question.answer] });
    trainRows++;
  }
  return { ...found.overlap(), trainRows };
}
