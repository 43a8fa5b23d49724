/**
 * Loss spikes: steps whose loss lies more than four running deviations above the running mean of the steps before.
 * Both are exponential averages over about 20 steps. A spike counts for them only up to the limit it broke, so that one
 * spike hides no other, and a lasting rise stops being a spike once the mean has followed.
 */
const BETA = 0.95;
const LIMIT_DEVIATIONS = 4;
/** Steps before the first verdict: the averages of fewer say little. */
const WARM_UP = 20;
/** Deviation at least, as a share of the mean: on an almost flat curve every ripple would be a spike. */
const LEAST_DEVIATION = 0.01;

export class SpikeFinder {
  #count = 0;
  #mean = 0;
  #variance = 0;

  /** Whether the next loss is a spike. */
  next(loss: number): boolean {
    if (!Number.isFinite(loss)) return false;
    const limit =
      this.#mean + LIMIT_DEVIATIONS * Math.max(Math.sqrt(this.#variance), LEAST_DEVIATION * Math.abs(this.#mean));
    const isSpike = this.#count >= WARM_UP && loss > limit;
    this.#take(isSpike ? limit : loss);
    return isSpike;
  }

  /** Running mean and variance; the first steps weigh alike, since there is nothing before them. */
  #take(value: number): void {
    this.#count += 1;
    const share = Math.max(1 - BETA, 1 / this.#count);
    const distance = value - this.#mean;
    this.#mean += share * distance;
    this.#variance = (1 - share) * (this.#variance + share * distance * distance);
  }
}
