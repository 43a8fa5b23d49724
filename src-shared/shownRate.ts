/** A learning rate as people write it, to two digits: 0.003 -> `3e-3`, 0.00012 -> `1.2e-4`. */
export function shownRate(rate: number): string {
  return Number(rate.toPrecision(2)).toExponential();
}
