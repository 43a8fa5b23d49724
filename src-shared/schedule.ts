/** Learning-rate schedules as transformers' get_scheduler computes them. */
export type ScheduleName = 'linear' | 'cosine' | 'constant';

/** Steps of warm-up: values of at least 1 are steps, smaller ones a share of all steps. */
export function warmupSteps(warmup: number, totalSteps: number): number {
  return warmup >= 1 ? Math.floor(warmup) : Math.ceil(warmup * totalSteps);
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
