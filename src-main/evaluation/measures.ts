/** What each metric of a suite takes of a row, and the score that the sums of rows come to. */
import type { SuiteMetric } from '../../src-shared/suiteMetrics.ts';
import { usageError } from '../../src-shared/errors.ts';
import type { ScoreOf } from './bootstrap.ts';
import { bleuScore, bleuStatistics } from './metrics/bleu.ts';
import { chrfScore, chrfStatistics } from './metrics/chrf.ts';
import { fieldMatch, jsonValidity } from './metrics/json.ts';
import { schemaMetric } from './metrics/jsonSchema.ts';
import { labelIndex, labelStatistics, macroF1 } from './metrics/labels.ts';
import { exactMatch, normalisedMatch, tokenF1 } from './metrics/matches.ts';
import { likeliest, likeliestByLength } from './metrics/multipleChoice.ts';
import { patternMetric } from './metrics/pattern.ts';
import { rougeL } from './metrics/rougeL.ts';

/** One question with what a model made of it. */
export interface MeasuredRow {
  answer: string;
  references: readonly string[];
  /** Of a choice, by choice; empty where there is none. */
  logLikelihoods?: readonly number[] | undefined;
  choices?: readonly string[] | undefined;
  /** Cross-entropy in nats summed over the tokens of a reference. */
  loss?: { sum: number; tokens: number } | undefined;
}

/** What a suite says about its metrics. */
export interface MeasureFacts {
  labels?: readonly string[] | undefined;
  pattern?: string | undefined;
  schema?: string | undefined;
}

export interface Measure {
  /** The same number of values for each row. */
  of(row: MeasuredRow): number[];
  /** In points from 0 to 100, or nats per token. */
  score: ScoreOf;
  /** Of one row by itself, from what it adds. */
  ofRow(statistics: readonly number[]): number;
}

/** Throws a usage error BAD_INPUT where a metric lacks what it needs, or its pattern is none. */
export function measureOf(metric: SuiteMetric, { labels, pattern, schema }: MeasureFacts = {}): Measure {
  switch (metric) {
    case 'exactMatch':
      return mean((row) => exactMatch(row.answer, row.references));
    case 'normalisedMatch':
      return mean((row) => normalisedMatch(row.answer, row.references));
    case 'tokenF1':
      return mean((row) => tokenF1(row.answer, row.references));
    case 'rougeL':
      return mean((row) => rougeL(row.answer, row.references));
    case 'jsonValid':
      return mean((row) => jsonValidity(row.answer));
    case 'jsonFields':
      return mean((row) => fieldMatch(row.answer, row.references));
    case 'jsonSchema': {
      const allows = schemaMetric(needed(schema, metric, 'a schema'));
      return mean((row) => allows(row.answer));
    }
    case 'pattern': {
      const matches = patternMetric(needed(pattern, metric, 'a pattern'));
      return mean((row) => matches(row.answer, row.references));
    }
    case 'bleu':
      return {
        of: (row) => bleuStatistics(row.answer, row.references),
        score: (sums) => bleuScore(sums),
        ofRow: (statistics) => bleuScore(statistics, { effectiveOrder: true }),
      };
    case 'chrf':
      return chrf(0);
    case 'chrfPlus':
      return chrf(2);
    case 'accuracy': {
      const known = needed(labels, metric, 'labels');
      return mean((row) => Number(labelIndex(row.answer, known) === labelOf(row, known)));
    }
    case 'macroF1': {
      const known = needed(labels, metric, 'labels');
      return {
        of: (row) => labelStatistics(labelIndex(row.answer, known), labelOf(row, known), known.length),
        score: (sums) => 100 * macroF1(sums),
        ofRow: (statistics) => (statistics.some((value, i) => i % 3 === 0 && value > 0) ? 100 : 0),
      };
    }
    case 'acc':
      return mean((row) => Number(isRight(row, likeliest(row.logLikelihoods ?? []))));
    case 'accNorm':
      return mean((row) => Number(isRight(row, likeliestByLength(row.logLikelihoods ?? [], trimmed(row.choices)))));
    case 'loss':
    case 'generalLoss':
      return LOSS;
  }
}

const LOSS: Measure = {
  of: ({ loss }) => (loss ? [loss.sum, loss.tokens] : [0, 0]),
  score: perToken,
  ofRow: (statistics) => perToken(statistics),
};

function perToken(sums: ArrayLike<number>): number {
  return sums[1]! > 0 ? sums[0]! / sums[1]! : 0;
}

/** The mean over the rows of a value from 0 to 1. */
function mean(value: (row: MeasuredRow) => number): Measure {
  return {
    of: (row) => [100 * value(row)],
    score: (sums, rows) => (rows > 0 ? sums[0]! / rows : 0),
    ofRow: ([own = 0]) => own,
  };
}

function chrf(wordOrder: number): Measure {
  return {
    of: (row) => chrfStatistics(row.answer, row.references, { wordOrder }),
    score: (sums) => chrfScore(sums),
    ofRow: (statistics) => chrfScore(statistics),
  };
}

/** The label of a row is its first reference. */
function labelOf({ references }: MeasuredRow, labels: readonly string[]): number {
  return labelIndex(references[0] ?? '', labels);
}

function isRight({ references, choices = [] }: MeasuredRow, chosen: number): boolean {
  const own = choices[chosen]?.trim();
  return own !== undefined && references.some((reference) => reference.trim() === own);
}

function trimmed(choices: readonly string[] = []): string[] {
  return choices.map((choice) => choice.trim());
}

function needed<T>(value: T | undefined, metric: SuiteMetric, what: string): T {
  if (value !== undefined) return value;
  throw usageError('BAD_INPUT', `The metric ${metric} needs ${what}; name them, or leave the metric out.`, { metric });
}
