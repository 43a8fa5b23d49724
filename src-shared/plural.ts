/** A number with its noun: `1 step`, `2,000 steps`, `2 batches`. `plural` where it is not the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${counts.format(count)} ${count === 1 ? noun : plural}`;
}

/** Made once: formatting with `toLocaleString` makes one each time. */
const counts = new Intl.NumberFormat('en-US');
