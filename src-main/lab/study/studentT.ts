/** Student's t distribution for whole degrees of freedom, which confidence intervals of a few runs need. */

/**
 * P(T <= t) with `df` degrees of freedom, a whole number from 1 on. Abramowitz & Stegun 1964, 26.7.3 and 26.7.4: a
 * finite sum in theta = atan(t / sqrt(df)).
 */
export function studentTCdf(t: number, df: number): number {
  const theta = Math.atan(t / Math.sqrt(df));
  const cosine = Math.cos(theta);
  const isOdd = df % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k < df; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const within = isOdd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  return (1 + within) / 2;
}

/** The t with P(T <= t) = p, for p from 0.5 to below 1. */
export function studentTQuantile(p: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentTCdf(high, df) < p) high *= 2;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (studentTCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
