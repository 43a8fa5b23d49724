/** `suites list`, `suites add`, `suites show`, `suites remove`: fixed questions for `eval --suite`. */
import fs from 'node:fs';
import path from 'node:path';
import type { SuiteView } from '../../app/suites/service.ts';
import { SUITE_METRICS, type SuiteMetric } from '../../../src-shared/suiteMetrics.ts';
import { counted } from '../../../src-shared/plural.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { addSuiteSchema } from '../../app/suites/inputs.ts';
import { CHOSEN_METRICS, SUITE_TASKS } from '../../../src-shared/suiteMetrics.ts';
import type { Args } from './args.ts';
import type { Command, Context } from './command.ts';
import { table } from './format.ts';

export const suitesList: Command = {
  name: 'suites list',
  positionals: [],
  summary: 'Lists the suites: fixed questions by which models and adapters are compared.',
  options: {},
  async run({ api, print }) {
    const suites = await api.suites.list();
    const rows = suites.map(({ name, id, spec, results }) => [
      name,
      id,
      spec.datasetName,
      String(spec.questions),
      spec.metrics.map((metric) => SUITE_METRICS[metric].label).join(', '),
      String(results.length),
    ]);
    if (rows.length > 0) table(['NAME', 'ID', 'DATASET', 'QUESTIONS', 'METRICS', 'MEASURED'], rows).forEach(print);
    else print('There is no suite yet; "suites add NAME --data DATASET" makes one.');
    return { suites };
  },
};

export const suitesAdd: Command = {
  name: 'suites add',
  positionals: ['NAME'],
  summary: 'Makes a suite of the rows of a dataset; rows with the same prompt are one question with several answers.',
  options: {
    data: { type: 'string', value: 'NAME|ID', help: 'dataset of the catalogue' },
    'data-version': { type: 'string', value: 'N', help: 'one of its versions (the current one)' },
    'held-out': { type: 'string', value: 'RUN|ADAPTER', help: 'only rows that this run kept for validation' },
    sample: { type: 'string', value: 'N', help: 'so many questions, drawn by --seed' },
    seed: { type: 'string', value: 'N', help: 'of the sample, and of answers at a temperature (0)' },
    task: { type: 'string', value: 'NAME', help: 'answer: the model writes; choice: it holds one answer likeliest' },
    metrics: { type: 'string', value: 'LIST', help: `of ${CHOSEN_METRICS.join(', ')} (what suits the answers)` },
    schema: {
      type: 'string',
      value: 'FILE',
      help: 'of the metric jsonSchema: a JSON schema that answers are to keep to',
    },
    pattern: { type: 'string', value: 'RE2', help: 'of the metric pattern, with a group for what is compared' },
    choices: { type: 'string', value: 'COLUMN', help: 'column with a list of choices (the answers of all questions)' },
    'max-new': { type: 'string', value: 'N', help: 'tokens of an answer at most (128)' },
    temperature: { type: 'string', value: 'N', help: 'of answers (0: greedy)' },
    stop: { type: 'string', multiple: true, value: 'TEXT', help: 'text that ends an answer; repeatable' },
    general: {
      type: 'string',
      value: 'NAME|ID',
      help: 'dataset on which only the loss is measured: what was forgotten',
    },
    'general-rows': { type: 'string', value: 'N', help: 'rows of it (200)' },
  },
  async run(context) {
    const { api, args, print } = context;
    const suite = await api.suites.add(suiteRequest(context, args));
    describe(suite).forEach(print);
    return suite;
  },
};

export const suitesShow: Command = {
  name: 'suites show',
  positionals: ['NAME'],
  summary: 'Shows a suite, its first questions, and who has been measured by it.',
  options: {},
  async run({ api, args, print }) {
    const suite = await api.suites.get({ id: args.positionals[0]! });
    const questions = await api.suites.questions({ id: suite.id });
    describe(suite).forEach(print);
    for (const { prompt, references } of questions.slice(0, 3))
      print(`${JSON.stringify(prompt)} -> ${references.map((one) => JSON.stringify(one)).join(' | ')}`);
    const metrics = suite.spec.metrics;
    const rows = suite.results.map(({ name, subjectId, scores }) => [
      name,
      subjectId,
      ...metrics.map((metric) => scoreText(metric, scores[metric])),
    ]);
    const header = ['NAME', 'ID', ...metrics.map((metric) => SUITE_METRICS[metric].label.toUpperCase())];
    if (rows.length > 0) table(header, rows).forEach(print);
    return { ...suite, questions };
  },
};

export const suitesRemove: Command = {
  name: 'suites remove',
  positionals: ['NAME'],
  summary: 'Removes a suite and its results.',
  options: {},
  async run({ api, args, print }) {
    const { id } = await api.suites.get({ id: args.positionals[0]! });
    const removed = await api.suites.remove({ id });
    print(`Removed ${removed.removed}.`);
    return removed;
  },
};

/** A score as people read it: points with one digit, a loss with four. */
export function scoreText(metric: SuiteMetric, score: number | undefined): string {
  if (score === undefined) return '';
  return SUITE_METRICS[metric].unit === 'loss' ? score.toFixed(4) : score.toFixed(1);
}

function describe({ name, id, spec }: SuiteView): string[] {
  const { datasetName, version, questions, metrics, general, labels } = spec;
  return [
    `${name}  ${id}`,
    `${counted(questions, 'question')} of ${datasetName}, version ${version}; ` +
      metrics.map((metric) => SUITE_METRICS[metric].label).join(', '),
    ...(labels ? [`labels ${labels.join(', ')}`] : []),
    ...(general ? [`general loss on ${counted(general.rows, 'row')} of ${general.datasetName}`] : []),
  ];
}

function suiteRequest(context: Context, args: Args) {
  const seed = args.integer('seed') ?? 0;
  const data = args.text('data');
  const version = args.integer('data-version');
  const heldOut = args.text('held-out');
  const sample = args.integer('sample');
  if (heldOut !== undefined && (data !== undefined || sample !== undefined))
    throw usageError('BAD_USAGE', '--held-out names the rows already; leave out --data and --sample.');
  const general = args.text('general');
  const count = args.integer('general-rows');
  if (general === undefined && count !== undefined)
    throw usageError('BAD_USAGE', '--general-rows belongs to --general; name the dataset.');
  const named = (text: string) => datasetIdOf(context, text);
  const given = {
    name: args.positionals[0]!,
    dataset: data === undefined ? undefined : { datasetId: named(data), ...(version === undefined ? {} : { version }) },
    rows: rowsOf(context, { heldOut, sample, seed }),
    task: args.choice('task', SUITE_TASKS),
    metrics: args.list('metrics', CHOSEN_METRICS),
    pattern: args.text('pattern'),
    schema: schemaOf(args.text('schema')),
    choicesColumn: args.text('choices'),
    generation: {
      maxNew: args.integer('max-new'),
      temperature: args.number('temperature'),
      seed,
      stop: args.texts('stop'),
    },
    general:
      general === undefined ? undefined : { datasetId: named(general), ...(count === undefined ? {} : { count }) },
  };
  const { success, data: request, error } = addSuiteSchema.safeParse(given);
  if (success) return request;
  const [issue] = error.issues;
  throw usageError('BAD_USAGE', `${issue!.path.join('.')}: ${issue!.message}; correct this option.`);
}

/** Throws a usage error NOT_FOUND. */
function schemaOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    throw usageError('NOT_FOUND', `There is no file ${path.resolve(file)} to read the JSON schema from.`, {
      path: file,
    });
  }
}

function rowsOf(
  { services }: Context,
  { heldOut, sample, seed }: { heldOut: string | undefined; sample: number | undefined; seed: number },
) {
  if (heldOut === undefined)
    return sample === undefined ? { kind: 'all' as const } : { kind: 'sample' as const, count: sample, seed };
  const runId = services.catalog.adapters.get(heldOut)?.runId ?? heldOut;
  return { kind: 'heldOut' as const, runId };
}

function datasetIdOf({ services }: Context, text: string): string {
  const found =
    services.catalog.datasets.get(text) ?? services.catalog.datasets.list().find(({ name }) => name === text);
  if (found) return found.id;
  throw usageError(
    'DATASET_NOT_FOUND',
    `There is no dataset "${text}"; "datasets list" shows those that exist, "datasets add FILE" adds one.`,
    { dataset: text },
  );
}
