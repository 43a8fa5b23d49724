/**
 * Tokenised answers to choose between, as the rows of a run: a pair is one row with the rejected answer beside it, a
 * marked answer a row that knows whether it is a good one.
 */
import { collate, type Batch } from './batches.ts';
import { endFact } from './endTokens.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { RowFacts, RowList } from './tokens/rowList.ts';
import type { Choice, TokenisedExample } from './types.ts';

/** Rows of choices by number. */
export interface ChoiceList extends RowList {
  at(index: number): Choice | undefined;
  readonly facts: RowFacts;
}

/** Pairs of rows that lie one after the other, chosen and rejected. */
export function pairedRows(rows: RowList, tokenizer: TextTokenizer): ChoiceList {
  const facts = factsOf(rows, tokenizer);
  const length = Math.floor(rows.length / 2);
  const chosen = <T extends { [index: number]: number }>(values: T): ((pair: number) => number) => {
    return (pair) => values[2 * pair]!;
  };
  const numbers = (value: (pair: number) => number): Int32Array =>
    Int32Array.from({ length }, (_, pair) => value(pair));
  return {
    length,
    at: (pair) => {
      const own = rows.at(2 * pair);
      const other = rows.at(2 * pair + 1);
      if (pair < 0 || pair >= length || !own || !other) return undefined;
      return { ...withoutClass(own), rejected: { ids: other.ids, labels: other.labels } };
    },
    facts: {
      ...(facts.tokens ? { tokens: numbers((pair) => facts.tokens![2 * pair]! + facts.tokens![2 * pair + 1]!) } : {}),
      lines: Float64Array.from({ length }, (_, pair) => facts.lines[2 * pair]!),
      groups: numbers(chosen(facts.groups)),
      ends: numbers(chosen(facts.ends)),
    },
  };
}

/** Answers that are marked, each by itself. */
export function markedRows(rows: RowList, tokenizer: TextTokenizer): ChoiceList {
  return {
    length: rows.length,
    at: (index) => {
      const row = rows.at(index);
      return row && { ...withoutClass(row), good: row.class === 1 };
    },
    facts: factsOf(rows, tokenizer),
  };
}

/** Class stands for a label of texts elsewhere. */
function withoutClass({ class: _, ...row }: TokenisedExample): Omit<TokenisedExample, 'class'> {
  return row;
}

function factsOf(rows: RowList, tokenizer: TextTokenizer): RowFacts {
  if (rows.facts) return rows.facts;
  const each = (value: (row: TokenisedExample) => number): number[] =>
    Array.from({ length: rows.length }, (_, i) => value(rows.at(i)!));
  return {
    tokens: Int32Array.from(each(({ ids }) => ids.length)),
    lines: Float64Array.from(each(({ line }) => line)),
    groups: Int32Array.from(each(({ group }) => group)),
    ends: Int32Array.from(each((row) => endFact(row, tokenizer))),
  };
}

/** The answers of these rows: of pairs the chosen ones, then the rejected ones in the same order. */
export function collateAnswers(choices: readonly Choice[], padId: number): Batch {
  const rejected = choices.flatMap((choice) => choice.rejected ?? []);
  const rows = [...choices, ...rejected];
  return collate(rows, [...rows.keys()], padId);
}
