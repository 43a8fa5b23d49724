/** The rows of a run that learns from choices, as batches with what the reference thinks of their answers. */
import { collate } from '../../datasets/batches.ts';
import { collateAnswers, type ChoiceList } from '../../datasets/choices.ts';
import { otherRows, withOtherAnswer } from '../../datasets/otherAnswers.ts';
import type { Choice } from '../../datasets/types.ts';
import type { PreferenceBatch } from '../../engine/train/preference/batch.ts';
import type { Batch } from '../../engine/train/batchLoss.ts';
import { hasReference, isPaired, type Objective } from '../../../src-shared/objectives.ts';
import type { RunData } from './data.ts';

export type Side = 'train' | 'val';

/**
 * Two log-probabilities per row under the reference, NaN where they are not known: of the chosen and the rejected
 * answer, or of a single answer and of its prompt with another answer.
 */
export type ReferenceLogProbs = Record<Side, Float32Array>;

export class Choices {
  readonly objective: Objective;
  readonly references: ReferenceLogProbs;
  readonly #rows: Record<Side, ChoiceList>;
  readonly #padId: number;
  readonly #maxLength: number;
  readonly #seed: number;
  #others: Partial<Record<Side, Int32Array>> = {};

  constructor(objective: Objective, { train, val, padId, maxLength }: RunData, seed: number) {
    this.objective = objective;
    // Their facts are there since data.ts made them of choices.
    this.#rows = { train: train as ChoiceList, val: val as ChoiceList };
    this.references = { train: unknown(train.length), val: unknown(val.length) };
    this.#padId = padId;
    this.#maxLength = maxLength;
    this.#seed = seed;
  }

  /** Whether answers to other prompts are measured, too. */
  get hasOthers(): boolean {
    return this.objective.type === 'kto' && this.objective.referencePoint === 'kl';
  }

  batch(side: Side, rows: readonly number[]): PreferenceBatch {
    const answers = this.answers(side, rows);
    const known = this.references[side];
    const first = rows.map((row) => known[2 * row]!);
    const second = rows.map((row) => known[2 * row + 1]!);
    const paired = isPaired(this.objective);
    return {
      rows: answers,
      ...(hasReference(this.objective) ? { reference: Float32Array.from(paired ? [...first, ...second] : first) } : {}),
      ...(paired ? {} : { good: Uint8Array.from(rows, (row) => (this.#at(side, row).good ? 1 : 0)) }),
      ...(this.hasOthers
        ? { mismatched: { rows: this.others(side, rows), reference: Float32Array.from(second) } }
        : {}),
    };
  }

  answers(side: Side, rows: readonly number[]): Batch {
    return collateAnswers(
      rows.map((row) => this.#at(side, row)),
      this.#padId,
    );
  }

  /** Each prompt with the answer to another one. */
  others(side: Side, rows: readonly number[]): Batch {
    const others = (this.#others[side] ??= otherRows(this.#rows[side], this.#seed));
    const made = rows.map((row) => withOtherAnswer(this.#at(side, row), this.#at(side, others[row]!), this.#maxLength));
    return collate(made, [...made.keys()], this.#padId);
  }

  lengthOf(side: Side): number {
    return this.#rows[side].length;
  }

  #at(side: Side, row: number): Choice {
    const choice = this.#rows[side].at(row);
    if (!choice) throw new RangeError(`there is no row ${row} to choose from`);
    return choice;
  }
}

function unknown(rows: number): Float32Array {
  return new Float32Array(2 * rows).fill(NaN);
}
