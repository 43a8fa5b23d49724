/**
 * Exponential moving average with bias correction, as Adam corrects its moments:
 * m_t = b m_(t-1) + (1-b) x_t, shown as m_t / (1 - b^t), as TensorBoard shows it. The first value is therefore the
 * first loss itself.
 * One value at a time, so that a growing series is never smoothed again from its start.
 */
export class Smoother {
  readonly beta: number;
  #mean = 0;
  #weight = 1;

  constructor(beta: number) {
    this.beta = beta;
  }

  /**
   * Takes the next value in and returns the average so far; a value that is not finite leaves a gap and changes
   * nothing.
   */
  next(value: number): number {
    if (!Number.isFinite(value)) return NaN;
    this.#mean = this.beta * this.#mean + (1 - this.beta) * value;
    this.#weight *= this.beta;
    return this.#mean / (1 - this.#weight);
  }
}
