/** Learning-rate schedules as transformers' get_scheduler computes them. */
export type ScheduleName = 'linear' | 'cosine' | 'constant';

/** Steps of warm-up as asked for: values of at least 1 are steps, smaller ones a share of all steps. */
export function warmupAsked(warmup: number, totalSteps: number): number {
  return warmup >= 1 ? Math.floor(warmup) : Math.ceil(warmup * totalSteps);
}

/**
 * Steps of warm-up as they are taken: one step less than the run at most, so that every run reaches its learning rate.
 * Else the only step of a run of one, whose warm-up is rounded up to it, would be taken at rate 0.
 */
export function warmupSteps(warmup: number, totalSteps: number): number {
  return Math.min(warmupAsked(warmup, totalSteps), Math.max(0, totalSteps - 1));
}

/** Factor on the base learning rate for 0-based step `step`: a linear rise over `warmup` steps, then the decay. */
export function scheduleFactor(name: ScheduleName, step: number, warmup: number, totalSteps: number): number {
  if (step < warmup) return step / Math.max(1, warmup);
  const progress = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
  switch (name) {
    case 'linear':
      return 1 - progress;
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * progress));
    case 'constant':
      return 1;
    default:
      return name satisfies never;
  }
}
