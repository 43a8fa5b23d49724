/** What suits the answers of a suite: metrics, labels and choices. */
import { jsonOf } from '../../evaluation/metrics/json.ts';
import { measureOf } from '../../evaluation/measures.ts';
import { cellText } from '../../datasets/rowIndex.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { isMetricOf, SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import { MOST_LABELS, type SuiteQuestion, type SuiteSpec } from '../../../src-shared/suites.ts';
import type { AddSuite } from './inputs.ts';
import { distinctTexts } from './questions.ts';

/** Answers that are labels repeat: at least so many questions for each. */
const ROWS_PER_LABEL = 4;
const FEW_LABELS = 20;

/** Throws a usage error BAD_INPUT for metrics that do not suit the task or the answers. */
export function suitedMetrics(
  { task, metrics: asked, pattern, schema }: Pick<AddSuite, 'task' | 'metrics' | 'pattern' | 'schema'>,
  questions: readonly SuiteQuestion[],
): Pick<SuiteSpec, 'metrics' | 'labels' | 'pattern' | 'schema'> {
  const metrics = [...new Set(asked ?? usualMetrics(task, questions, { pattern, schema }))];
  const strange = metrics.find((metric) => !isMetricOf(metric, task));
  if (strange !== undefined)
    throw usageError(
      'BAD_INPUT',
      `${SUITE_METRICS[strange].label} does not go with a task of ${task === 'answer' ? 'answers' : 'choices'}; ` +
        'leave it out.',
      { metric: strange },
    );
  const labels = metrics.includes('accuracy') || metrics.includes('macroF1') ? labelsOf(questions) : undefined;
  if (metrics.includes('jsonFields')) refuseNoJson(questions);
  const facts = {
    metrics,
    ...(labels ? { labels } : {}),
    ...(pattern !== undefined && metrics.includes('pattern') ? { pattern } : {}),
    ...(schema !== undefined && metrics.includes('jsonSchema') ? { schema } : {}),
  };
  for (const metric of metrics) measureOf(metric, facts);
  return facts;
}

function usualMetrics(
  task: SuiteSpec['task'],
  questions: readonly SuiteQuestion[],
  { pattern, schema }: Pick<AddSuite, 'pattern' | 'schema'>,
): SuiteMetric[] {
  if (task === 'choice') return ['acc', 'accNorm'];
  const own: SuiteMetric[] = [
    'exactMatch',
    ...(pattern === undefined ? [] : ['pattern' as const]),
    ...(schema === undefined ? [] : ['jsonSchema' as const]),
  ];
  if (questions.every(({ references }) => isStructure(references[0])))
    return [...own, 'jsonValid', 'jsonFields', 'loss'];
  const distinct = distinctAnswers(questions).length;
  if (distinct >= 2 && distinct <= FEW_LABELS && questions.length >= ROWS_PER_LABEL * distinct)
    return [...own, 'accuracy', 'macroF1', 'loss'];
  return [...own, 'tokenF1', 'bleu', 'chrf', 'rougeL', 'loss'];
}

/** JSON that is more than a number or a word. */
function isStructure(text = ''): boolean {
  const value = jsonOf(text)?.value;
  return typeof value === 'object' && value !== null;
}

function refuseNoJson(questions: readonly SuiteQuestion[]): void {
  const without = questions.find(({ references }) => !references.some((reference) => jsonOf(reference)));
  if (!without) return;
  throw usageError(
    'BAD_INPUT',
    `The answer in line ${without.line} is no JSON, so its fields cannot be compared; leave out JSON fields, or ` +
      'correct the data.',
    { line: without.line },
  );
}

function distinctAnswers(questions: readonly SuiteQuestion[]): string[] {
  return distinctTexts(questions.flatMap(({ references }) => references)).map((answer) => answer.trim());
}

function labelsOf(questions: readonly SuiteQuestion[]): string[] {
  const labels = distinctAnswers(questions);
  if (labels.length >= 2 && labels.length <= MOST_LABELS) return labels.sort();
  throw usageError(
    'BAD_INPUT',
    `The questions have ${labels.length} different answers, and labels are 2 to ${MOST_LABELS}; leave out accuracy ` +
      'and macro F1.',
    { labels: labels.length },
  );
}

/**
 * The questions with their choices: those of a column, or the answers of all questions. Throws a usage error BAD_INPUT
 * where a question has no right one among them.
 */
export function withChoices(questions: SuiteQuestion[], column: string | undefined): SuiteQuestion[] {
  if (column === undefined) {
    const choices = distinctTexts(questions.flatMap(({ references }) => references));
    if (choices.length >= 2 && choices.length <= MOST_LABELS) return questions.map((one) => ({ ...one, choices }));
    throw usageError(
      'BAD_INPUT',
      `The questions have ${choices.length} different answers, and choices are 2 to ${MOST_LABELS}; name the column ` +
        'that holds the choices of each question.',
      { choices: choices.length },
    );
  }
  return questions.map((question) => {
    // As the answer stands after its question: with the space or line break in front.
    const before = /^\s*/.exec(question.references[0] ?? '')![0];
    const choices = listOf(question.values[column])?.map((choice) => before + choice.trim());
    const isAnswered = choices?.some((choice) => question.references.some((own) => own.trim() === choice.trim()));
    if (choices && choices.length >= 2 && choices.length <= MOST_LABELS && isAnswered) return { ...question, choices };
    const why = !choices
      ? `holds no list of texts: ${cellText(question.values[column]).slice(0, 80)}`
      : isAnswered
        ? `holds ${choices.length} choices, not 2 to ${MOST_LABELS}`
        : 'lacks the right answer';
    throw usageError('BAD_INPUT', `The column ${column} in line ${question.line} ${why}; correct the data.`, {
      line: question.line,
    });
  });
}

/** A list of texts, as it is or as JSON. */
function listOf(value: unknown): string[] | undefined {
  const list = typeof value === 'string' ? jsonOf(value)?.value : value;
  return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined;
}
