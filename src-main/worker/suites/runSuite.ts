/** Measures subjects by a suite: the base is loaded once, and each adapter is asked the same questions in its turn. */
import { setImmediate } from 'node:timers/promises';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { keptTemplate } from '../../adapters/keptTemplate.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { measureOf, type MeasuredRow } from '../../evaluation/measures.ts';
import { useBackend } from '../backend.ts';
import type { CallControl } from '../control.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { AnswersTogether } from '../serve/answersTogether.ts';
import { mostColumns } from '../serve/columns.ts';
import { loadWriter, PLAIN_BASE } from '../serve/writer.ts';
import { layoutOf } from '../verify/evaluate.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import type { MeasuredSubject, RowAnswer, RunSuiteParams, SuiteStatistics } from '../../../src-shared/suites.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { AskedRows } from './askedRows.ts';
import { rowLossSum, type RowLossSum } from './rowLoss.ts';
import { trainedOn } from './trainedOn.ts';

/** Questions that wait for their answers at once; how many are decoded together, the memory decides. */
const AT_ONCE = 32;
/** Rows that are scored before other work has its turn. */
const ROWS_AT_ONCE = 16;

interface Loaded {
  base: BaseModel;
  tokenizer: TextTokenizer;
  model: Decoder;
  together: AnswersTogether;
}

/** What is done with each row of a subject, told one by one. */
interface Turn extends Loaded {
  params: RunSuiteParams;
  /** How the subject is asked. */
  kept: KeptTemplate | undefined;
  control: CallControl;
  tell(): void;
}

/**
 * In the order of the subjects. Throws what loading the base or an adapter throws, ADAPTER_CLASSIFIES, and CANCELLED
 * once it is to stop.
 */
export async function runSuite(
  params: RunSuiteParams,
  emit: (event: WorkerCalls['runSuite']['event']) => void,
  control: CallControl,
): Promise<MeasuredSubject[]> {
  const base = openBaseModel(params.modelDir);
  try {
    await useBackend(params.engine);
    const tokenizer = loadTokenizer(params.modelDir);
    for (const metric of params.spec.metrics) measureOf(metric, params.spec);
    const templates = templatesOf(params, tokenizer);
    const model = await loadDecoder(base, baseFormsOf(params));
    const together = new AnswersTogether({ model, tokenizer, base }, mostColumns(model.spec));
    let done = 0;
    const total = params.subjects.length * rowsPerSubject(params);
    const tell = (): void => emit({ done: ++done, total });
    try {
      const measured: MeasuredSubject[] = [];
      for (const [i, kept] of templates.entries())
        measured.push(await measure({ base, tokenizer, model, together, params, kept, control, tell }, i));
      return measured;
    } finally {
      together.dispose();
      model.dispose();
    }
  } finally {
    base.close();
  }
}

function rowsPerSubject({ spec, questions, general }: RunSuiteParams): number {
  // Answered or chosen, scored, and perhaps read for the loss.
  const passes = 2 + Number(spec.metrics.includes('loss') && spec.task === 'answer');
  return passes * questions.length + (general?.rows.length ?? 0);
}

/** Each adapter's own; a base is asked as the first adapter is, or else as the rows are made for. */
function templatesOf(
  { subjects, spec: { plan } }: RunSuiteParams,
  tokenizer: TextTokenizer,
): (KeptTemplate | undefined)[] {
  const own = subjects.map(({ adapterDir }) => (adapterDir === null ? undefined : keptTemplate(adapterDir)));
  const first = subjects.findIndex(({ adapterDir }) => adapterDir !== null);
  const usual = templated(plan, tokenizer, { promptTemplate: 'auto' }).kept;
  return subjects.map(({ adapterDir }, i) => (adapterDir !== null ? own[i] : first < 0 ? usual : own[first]));
}

async function measure(turn: Turn, index: number): Promise<MeasuredSubject> {
  const { params, kept, tokenizer, base } = turn;
  const { adapterDir, trained } = params.subjects[index]!;
  const { spec, questions } = params;
  const { vocab, maxPositions } = base.spec;
  const answers = spec.task === 'answer' ? await answersOf(turn, adapterDir) : [];
  const { losses, choices, general } = await lossesOf(turn, adapterDir);
  const given = spec.task === 'answer' ? answers : choices;
  const measured = questions.map((question, i): MeasuredRow => ({
    answer: given[i]!.text,
    references: question.references,
    choices: question.choices,
    logLikelihoods: given[i]!.logLikelihoods,
    loss: losses[i],
  }));
  const statistics = await statisticsOf(turn, measured);
  if (general.length > 0) statistics.generalLoss = general.map(({ sum, tokens }) => [sum, tokens]);
  const parts = { tokenizer, vocab, maxPositions, modelDir: params.modelDir };
  return {
    answers: given,
    statistics,
    askedAs: kept?.name ?? null,
    contamination: trained ? await trainedOn(questions, trained, parts) : null,
  };
}

/** With many long references this takes a while, too. */
async function statisticsOf({ params: { spec }, control, tell }: Turn, rows: MeasuredRow[]): Promise<SuiteStatistics> {
  const measures = spec.metrics.map((metric) => ({ measure: measureOf(metric, spec), values: [] as number[][] }));
  for (const [i, row] of rows.entries()) {
    for (const { measure, values } of measures) values.push(measure.of(row));
    tell();
    if (i % ROWS_AT_ONCE === 0) await setImmediate(); // so that what is told gets out, and a wish to stop gets in
    refuseStopped(control);
  }
  return Object.fromEntries(spec.metrics.map((metric, i) => [metric, measures[i]!.values]));
}

/** Written by the model, many at once. */
async function answersOf(turn: Turn, adapterDir: string | null): Promise<RowAnswer[]> {
  const { params, together, control, tell, tokenizer, kept } = turn;
  const { questions, spec } = params;
  const { vocab, maxPositions: maxLength } = turn.base.spec;
  const rows = new AskedRows(spec.plan, tokenizer, { kept, vocab, maxLength });
  const { maxNew, temperature, seed, stop } = spec.generation;
  const answers: RowAnswer[] = [];
  let next = 0;
  const answerOne = async (i: number): Promise<RowAnswer> => {
    const ids = rows.promptIds(questions[i]!);
    if ('reason' in ids) return { text: '', problem: ids.reason };
    try {
      const asked = { prompt: '', ids, maxNew, temperature, seed: seed + i, ...(stop.length > 0 ? { stop } : {}) };
      return { text: (await together.answer(asked, adapterDir, () => undefined, control)).text };
    } catch (error) {
      if (error instanceof GraftError && ROW_PROBLEMS.has(error.code)) return { text: '', problem: error.message };
      throw error;
    }
  };
  const work = async (): Promise<void> => {
    while (next < questions.length) {
      const i = next++;
      const answer = await answerOne(i);
      refuseStopped(control);
      answers[i] = answer;
      tell();
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, questions.length) }, work));
  return answers;
}

/** Of one question alone; the others can be answered all the same. */
const ROW_PROBLEMS = new Set<string>(['PROMPT_TOO_LONG', 'EMPTY_PROMPT', 'BUFFER_TOO_LARGE', 'TOKEN_OUTSIDE']);

interface Losses {
  losses: RowLossSum[];
  choices: RowAnswer[];
  general: RowLossSum[];
}

/** What is measured by likelihood: references, choices, and the rows of the general set. */
async function lossesOf(turn: Turn, adapterDir: string | null): Promise<Losses> {
  const { base, tokenizer, params, control, tell } = turn;
  const { questions, spec, general } = params;
  const withLoss = spec.metrics.includes('loss');
  const { adapter } = adapterDir === null ? PLAIN_BASE : loadWriter(adapterDir, { base, tokenizer });
  try {
    const model = turn.model.with(adapter);
    const options = { layout: layoutOf(adapter, base.spec.vocab, 'completion'), padId: tokenizer.padId };
    const most = base.spec.maxPositions - options.layout.prefix - options.layout.infix;
    type Rendered = ReturnType<AskedRows['wholeRow']>;
    const lossOf = async (row: Rendered): Promise<RowLossSum> => {
      refuseStopped(control);
      return 'reason' in row ? { sum: 0, tokens: 0 } : rowLossSum(model, row, options);
    };
    const rows = new AskedRows(spec.plan, tokenizer, { kept: turn.kept, vocab: base.spec.vocab, maxLength: most });
    const found: Losses = { losses: [], choices: [], general: [] };
    for (const question of questions) {
      if (withLoss) found.losses.push(await lossOf(rows.wholeRow(question)));
      if (spec.task === 'choice') found.choices.push(await chosen(rows, question, lossOf));
      if (withLoss || spec.task === 'choice') tell();
    }
    if (general) {
      const { vocab } = base.spec;
      const others = new AskedRows(general.plan, tokenizer, { kept: turn.kept, vocab, maxLength: most });
      for (const row of general.rows) {
        found.general.push(await lossOf(others.wholeRow(row)));
        tell();
      }
    }
    return found;
  } finally {
    adapter?.dispose();
  }
}

/** The log-likelihood of each choice; `text` is the likeliest. */
async function chosen(
  rows: AskedRows,
  question: RunSuiteParams['questions'][number],
  lossOf: (row: ReturnType<AskedRows['choiceRow']>) => Promise<RowLossSum>,
): Promise<RowAnswer> {
  const { choices = [] } = question;
  const logLikelihoods: number[] = [];
  for (const choice of choices) {
    const row = rows.choiceRow(question, choice);
    if ('reason' in row) return { text: '', problem: row.reason };
    if (row.truncated) return { text: '', problem: 'question and choice are longer than the model sees at once' };
    logLikelihoods.push(-(await lossOf(row)).sum);
  }
  return { text: choices[logLikelihoods.indexOf(Math.max(...logLikelihoods))] ?? '', logLikelihoods };
}

function refuseStopped({ stopped }: CallControl): void {
  if (stopped) throw new GraftError('CANCELLED', 'This was cancelled; nothing of it was kept.');
}
