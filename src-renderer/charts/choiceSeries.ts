/**
 * What the choices of a run came to, beside the steps of its series: rewards of chosen and rejected answers, how far
 * they are apart, how often they are right. Empty for runs that learn answers as they stand.
 */
import type { PreferenceScores } from '../../src-shared/objectives.ts';
import { Smoother } from '../../src-shared/smoother.ts';
import { Column } from './column.ts';

const SCORES = ['chosenReward', 'rejectedReward', 'margin', 'accuracy', 'kl'] as const;
export type ScoreName = (typeof SCORES)[number];

/** As the API delivers them, NaN or null where there is none; what JSON cannot write is null. */
export type ScoreColumns = Record<Exclude<ScoreName, 'margin'>, readonly (number | null)[]>;

type Columns = Record<ScoreName, Column>;

function columns(): Columns {
  return Object.fromEntries(SCORES.map((name) => [name, new Column()])) as Columns;
}

export class ChoiceSeries {
  /** A value a step, NaN where a step has none. */
  readonly raw = columns();
  /** A step that has none leaves the line where it was: a small batch of KTO often has answers of one kind only. */
  readonly smoothed = columns();
  /** A value an evaluation. */
  readonly evaluations = columns();
  #hasKl = false;
  #smoothers: Record<ScoreName, Smoother>;

  constructor(beta: number) {
    this.#smoothers = smoothers(beta);
  }

  get isEmpty(): boolean {
    return this.raw.accuracy.length === 0 && this.evaluations.accuracy.length === 0;
  }

  /** KTO with a reference point from data. */
  get hasKl(): boolean {
    return this.#hasKl;
  }

  /** The scores of the step at this place. */
  append(place: number, scores: PreferenceScores | undefined): void {
    if (scores === undefined && this.raw.accuracy.length === 0) return;
    this.#hasKl ||= scores?.kl !== undefined && Number.isFinite(scores.kl);
    this.#padTo(place);
    for (const name of SCORES) this.#push(name, scores?.[name] ?? NaN);
  }

  /** Those of the steps from this place on. */
  extend(place: number, scores: ScoreColumns | undefined, from: number): void {
    if (!scores) return;
    for (let i = from; i < scores.accuracy.length; i++) {
      const at = (name: keyof ScoreColumns): number => scores[name][i] ?? NaN;
      const [chosenReward, rejectedReward] = [at('chosenReward'), at('rejectedReward')];
      const margin = chosenReward - rejectedReward;
      this.append(place + i - from, { chosenReward, rejectedReward, margin, accuracy: at('accuracy'), kl: at('kl') });
    }
  }

  putEvaluation(place: number, scores: PreferenceScores | undefined): void {
    if (!scores) return;
    for (const name of SCORES) {
      const column = this.evaluations[name];
      while (column.length <= place) column.push(NaN);
      column.set(place, scores[name] ?? NaN);
    }
  }

  cut(steps: number, evaluations: number): void {
    for (const name of SCORES) {
      this.raw[name].cut(steps);
      this.evaluations[name].cut(evaluations);
    }
  }

  smoothWith(beta: number): void {
    this.#smoothers = smoothers(beta);
    for (const name of SCORES) {
      this.smoothed[name].cut(0);
      for (const value of this.raw[name].values) this.#smooth(name, value);
    }
  }

  #padTo(place: number): void {
    while (this.raw.accuracy.length < place) for (const name of SCORES) this.#push(name, NaN);
  }

  #push(name: ScoreName, value: number): void {
    this.raw[name].push(value);
    this.#smooth(name, value);
  }

  #smooth(name: ScoreName, value: number): void {
    const column = this.smoothed[name];
    column.push(Number.isNaN(value) ? (column.last ?? NaN) : this.#smoothers[name].next(value));
  }
}

function smoothers(beta: number): Record<ScoreName, Smoother> {
  return Object.fromEntries(SCORES.map((name) => [name, new Smoother(beta)])) as Record<ScoreName, Smoother>;
}
