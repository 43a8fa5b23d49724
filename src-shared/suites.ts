/**
 * Suites: fixed questions with the answers that are right, by which base models and adapters are measured and compared
 * (docs/suites.md).
 */
import { z } from 'zod';
import type { BackendName } from './backends.ts';
import type { BaseForms } from './baseDtypes.ts';
import type { ColumnPlan } from './datasets.ts';
import type { KeptTemplate } from './promptTemplates.ts';
import type { SuiteMetric, SuiteTask } from './suiteMetrics.ts';
import type { RunSpec } from './runSpec.ts';

export const MOST_QUESTIONS = 5000;
/** Labels, or choices that are the answers of all questions. */
export const MOST_LABELS = 100;

export const suiteGenerationSchema = z.object({
  maxNew: z.number().int().min(1).max(4096).default(128),
  /** 0: greedy, so that the same answers come each time. */
  temperature: z.number().min(0).max(5).default(0),
  seed: z.number().int().default(0),
  /** Texts that end an answer. */
  stop: z.array(z.string().min(1).max(100)).max(4).default([]),
});

/** Which rows of the dataset are asked. */
export const suiteRowsSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all') }),
  /** Those that a run kept for validation. */
  z.object({ kind: z.literal('heldOut'), runId: z.string() }),
  /** So many questions, drawn by the seed. */
  z.object({
    kind: z.literal('sample'),
    count: z.number().int().min(1).max(MOST_QUESTIONS),
    seed: z.number().int().default(0),
  }),
]);
export type SuiteRows = z.output<typeof suiteRowsSchema>;

/** A question as its first row has it, with the answers of all rows that ask it. */
export interface SuiteQuestion {
  /** Of the dataset's file; with shared lines the row's number. */
  line: number;
  /** As it is shown, and compared with training rows. */
  prompt: string;
  references: string[];
  choices?: string[];
  /** Values of the columns that the plan names. */
  values: Record<string, unknown>;
}

/** What a suite asks and how; it never changes once it is made, so that its results stay comparable. */
export interface SuiteSpec {
  datasetId: string;
  datasetName: string;
  version: number;
  rows: SuiteRows;
  task: SuiteTask;
  metrics: SuiteMetric[];
  /** Of the metric `pattern`. */
  pattern?: string | undefined;
  /** Of accuracy and macro F1. */
  labels?: string[] | undefined;
  generation: z.output<typeof suiteGenerationSchema>;
  plan: ColumnPlan;
  /** Questions, and rows of the general set. */
  questions: number;
  general?: { datasetId: string; datasetName: string; version: number; plan: ColumnPlan; rows: number } | undefined;
}

export interface Suite {
  id: string;
  name: string;
  spec: SuiteSpec;
  /** The task whose new adapters are measured as soon as they are trained; null: none. */
  afterTaskId: string | null;
  createdAt: string;
}

/** Who is measured: a base model, or an adapter on it. */
interface SuiteSubject {
  modelId: string;
  /** Null: the plain base. */
  adapterId: string | null;
}

/** Questions that were trained on, by their numbers (src-main/evaluation/contamination.ts). */
export interface Overlap {
  /** Question and one of the answers were a training row. */
  exact: number[];
  /** Asked in training with another answer. */
  prompt: number[];
  /** 13 words in a row are shared with a training row. */
  ngram: number[];
}

/** What an adapter's training rows were compared with; a reason where that could not be done. */
export type Contamination = (Overlap & { trainRows: number }) | { unknown: string };

export interface RowAnswer {
  text: string;
  /** Why there is no answer. */
  problem?: string | undefined;
  /** Of a choice: natural logarithms in the order of the choices. */
  logLikelihoods?: number[] | undefined;
}

/** By metric what each row adds to its score (src-main/evaluation/measures.ts). */
export type SuiteStatistics = Partial<Record<SuiteMetric, number[][]>>;

/** A run's training rows, as the run had them. */
export interface TrainedRows {
  data: RunSpec['data'];
  val: number;
  seed: number;
}

export interface RunSuiteParams extends BaseForms {
  engine: BackendName;
  modelDir: string;
  /** In the order of the results; `adapterDir` null is the plain base, which is asked as the first adapter is. */
  subjects: { adapterDir: string | null; trained?: TrainedRows | undefined }[];
  spec: Pick<SuiteSpec, 'task' | 'metrics' | 'pattern' | 'labels' | 'generation' | 'plan'>;
  questions: SuiteQuestion[];
  general?: { plan: ColumnPlan; rows: Pick<SuiteQuestion, 'line' | 'values'>[] } | undefined;
}

/** What a worker finds out about one subject. */
export interface MeasuredSubject {
  answers: RowAnswer[];
  statistics: SuiteStatistics;
  /** How the questions were put. */
  askedAs: KeptTemplate['name'] | null;
  /** Null for a plain base. */
  contamination: Contamination | null;
}

export interface SuiteResultFacts extends SuiteSubject {
  suiteId: string;
  /** Adapter, or model. */
  subjectId: string;
  name: string;
  scores: Partial<Record<SuiteMetric, number>>;
  askedAs: MeasuredSubject['askedAs'];
  contamination: MeasuredSubject['contamination'];
  /** Answers that could not be given. */
  problems: number;
  engine: BackendName;
  createdAt: string;
}

export interface Confusion {
  labels: string[];
  /** counts[i][j]: rows of label i that were answered with label j; the last column: with none of them. */
  counts: number[][];
}

/** A share of questions, with its 95 % interval. */
export interface WinRate {
  value: number;
  low: number;
  high: number;
}

/** A score beside that of the first subject. */
export interface ScoreDifference {
  /** Score less that of the first subject, with its 95 % interval, null for fewer than two rows. */
  value: number;
  low: number | null;
  high: number | null;
  /** Rows on which it does better, worse, as well. */
  wins: number;
  losses: number;
  ties: number;
  /** Of the rows that are better or worse, the share that is better; null where there are none. */
  winRate: WinRate | null;
}

export interface ComparedSubject extends SuiteResultFacts {
  /** Where answers are labels. */
  confusion?: Confusion;
  /** Absent for the first subject. */
  differences?: Partial<Record<SuiteMetric, ScoreDifference>>;
}

/** A question on which two subjects differ. */
export interface DifferingRow {
  number: number;
  prompt: string;
  references: string[];
  answers: RowAnswer[];
  /** Score of the row by subject. */
  scores: number[];
  /** It was trained on by one of the subjects. */
  contaminated: boolean;
}

export interface SuiteComparison {
  suite: Suite;
  metrics: SuiteMetric[];
  subjects: ComparedSubject[];
  /** By which the rows below are sorted. */
  rowMetric: SuiteMetric;
  /** Those that changed most first. */
  rows: DifferingRow[];
  differing: number;
  warnings: string[];
}
