/** p of y = c·x^p by least squares on the logarithms. */
export function growthExponent(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [lx, ly] = [xs.map(Math.log), ys.map(Math.log)];
  const [mx, my] = [mean(lx), mean(ly)];
  const covariance = mean(lx.map((x, i) => (x - mx) * (ly[i]! - my)));
  return covariance / mean(lx.map((x) => (x - mx) ** 2));
}
