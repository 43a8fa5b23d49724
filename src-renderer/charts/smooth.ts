/**
 * Exponential moving average with bias correction, as Adam corrects its moments:
 * m_t = b m_(t-1) + (1-b) x_t, shown as m_t / (1 - b^t). The first value is therefore the first loss itself.
 */
export function smooth(values: readonly number[], beta: number): number[] {
  let mean = 0;
  let weight = 1;
  return values.map((value) => {
    mean = beta * mean + (1 - beta) * value;
    weight *= beta;
    return mean / (1 - weight);
  });
}
