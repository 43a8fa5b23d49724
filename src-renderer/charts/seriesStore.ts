/**
 * The series of one run, column by column. Appending is cheap however long the run is: smoothing and the search for
 * spikes go on from where they were. Nothing here knows a page or a host.
 */
import type { StepMetrics } from '../lib/api.ts';
import type { PreferenceScores } from '../../src-shared/objectives.ts';
import { ChoiceSeries, type ScoreColumns } from './choiceSeries.ts';
import { Column, lowerBound } from './column.ts';
import { Smoother } from '../../src-shared/smoother.ts';
import { SpikeFinder } from './spikes.ts';

const METRICS = ['loss', 'lr', 'gradNorm', 'tokensPerSecond', 'memoryBytes', 'elapsedMs'] as const;
export type Metric = (typeof METRICS)[number];

/** Steps column by column, as the API delivers them; `atMs` in epoch milliseconds, 0 where it is not known. */
export type Columns = Record<'step' | 'atMs' | Metric, readonly number[]> & { preference?: ScoreColumns };

export interface Point {
  step: number;
  loss: number;
}

const PACE_STEPS = 20;

export class SeriesStore {
  readonly step = new Column();
  readonly columns = Object.fromEntries(METRICS.map((name) => [name, new Column()])) as Record<Metric, Column>;
  /** When each step was taken, in epoch milliseconds; 0 where that is not known. */
  readonly atMs = new Column();
  readonly smoothed = new Column();
  readonly evaluations = { step: new Column(), valLoss: new Column() };
  /** Of runs that learn from choices. */
  readonly choices: ChoiceSeries;
  readonly spikes: Point[] = [];
  /** Milliseconds that all steps took together. */
  totalMs = 0;
  #smoother: Smoother;
  #finder = new SpikeFinder();

  /** `beta`: share of the past in the smoothed loss, 0 to below 1. */
  constructor(beta = 0) {
    this.#smoother = new Smoother(beta);
    this.choices = new ChoiceSeries(beta);
  }

  get length(): number {
    return this.step.length;
  }

  get lastStep(): number {
    return this.step.last ?? 0;
  }

  /**
   * Adds one step, taken at `atMs`. A step that is there already, or was passed over, changes nothing: what is recorded
   * does not change.
   */
  append(metrics: StepMetrics, atMs = Date.now()): void {
    if (this.length > 0 && metrics.step <= this.lastStep) return;
    this.choices.append(this.length, metrics.preference);
    this.step.push(metrics.step);
    this.atMs.push(atMs);
    for (const name of METRICS) this.columns[name].push(metrics[name]);
    this.totalMs += metrics.elapsedMs;
    this.#derive(metrics.step, metrics.loss);
  }

  /** Adds steps in order, skipping those it already holds. */
  appendColumns(columns: Columns): void {
    const from = this.length === 0 ? 0 : columns.step.findIndex((step) => step > this.lastStep);
    if (from < 0) return;
    this.choices.extend(this.length, columns.preference, from);
    const rest = (name: Exclude<keyof Columns, 'preference'>): readonly number[] =>
      from === 0 ? columns[name] : columns[name].slice(from);
    this.step.extend(rest('step'));
    this.atMs.extend(rest('atMs'));
    for (const name of METRICS) this.columns[name].extend(rest(name));
    for (let i = from; i < columns.step.length; i++) {
      this.totalMs += columns.elapsedMs[i] ?? 0;
      this.#derive(columns.step[i] ?? NaN, columns.loss[i] ?? NaN);
    }
  }

  /** Adds what an evaluation measured, or replaces the one of the same step. */
  putEvaluation(step: number, valLoss: number, preference?: PreferenceScores): void {
    const { evaluations } = this;
    if (step > (evaluations.step.last ?? -1)) {
      this.choices.putEvaluation(evaluations.step.length, preference);
      evaluations.step.push(step);
      evaluations.valLoss.push(valLoss);
      return;
    }
    const at = lowerBound(evaluations.step.values, step);
    if (evaluations.step.values[at] !== step) return;
    evaluations.valLoss.set(at, valLoss);
    this.choices.putEvaluation(at, preference);
  }

  /** A resumed run repeats the steps after its saved state, so their old records are dropped. */
  cutAfter(step: number): void {
    const kept = lowerBound(this.step.values, step + 1);
    this.step.cut(kept);
    this.atMs.cut(kept);
    for (const name of METRICS) this.columns[name].cut(kept);
    const evaluations = lowerBound(this.evaluations.step.values, step + 1);
    this.evaluations.step.cut(evaluations);
    this.evaluations.valLoss.cut(evaluations);
    this.choices.cut(kept, evaluations);
    this.totalMs = this.columns.elapsedMs.values.reduce((sum, ms) => sum + ms, 0);
    this.smoothWith(this.#smoother.beta);
  }

  /** Smooths all over again with another share of the past. */
  smoothWith(beta: number): void {
    this.choices.smoothWith(beta);
    this.#smoother = new Smoother(beta);
    this.#finder = new SpikeFinder();
    this.smoothed.cut(0);
    this.spikes.length = 0;
    const losses = this.columns.loss.values;
    this.step.values.forEach((step, i) => this.#derive(step, losses[i] ?? NaN));
  }

  /** Milliseconds to go at the pace of the last steps; undefined before there is a pace. */
  timeLeftMs(totalSteps: number): number | undefined {
    const recent = this.columns.elapsedMs.values.slice(-PACE_STEPS);
    if (recent.length === 0) return undefined;
    return (recent.reduce((sum, ms) => sum + ms, 0) / recent.length) * Math.max(0, totalSteps - this.lastStep);
  }

  #derive(step: number, loss: number): void {
    this.smoothed.push(this.#smoother.next(loss));
    if (this.#finder.next(loss)) this.spikes.push({ step, loss });
  }
}
