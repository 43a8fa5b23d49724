/** A mean over about a twentieth of the run: more lies behind a loss that falls fast, and above all of its points. */
const SHARE_OF_RUN = 1 / 20;
const MOST = 0.97;

/** The share of the past to smooth a run of so many steps with, as long as nobody has chosen one; 0 for short runs. */
export function usualSmoothing(steps: number): number {
  const averaged = steps * SHARE_OF_RUN;
  return averaged <= 1 ? 0 : Math.min(MOST, Math.round(100 * (1 - 1 / averaged)) / 100);
}
