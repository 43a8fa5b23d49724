/** Validation losses of variants beside plain LoRA's, paired by seed. */
import path from 'node:path';
import type { AdviseAnswer } from './one.ts';

/** A Markdown table per dataset and rate: mean loss, and mean and standard deviation of the differences from plain. */
export function adviseTable(answers: AdviseAnswer[]): string[] {
  const groups = Map.groupBy(answers, ({ data, lr }) => `${path.basename(data)}, rate ${lr}`);
  return [...groups].flatMap(([title, group]) => {
    const plain = new Map(group.filter(({ variant }) => variant === 'plain').map((one) => [one.seed, one.valLoss]));
    const rows = [...Map.groupBy(group, ({ variant }) => variant)].map(([variant, own]) => {
      const paired = own.flatMap(({ seed, valLoss }) => (plain.has(seed) ? [valLoss - plain.get(seed)!] : []));
      const [difference, spread] = [mean(paired), deviation(paired)];
      return (
        `| ${variant} | ${own[0]!.trainable} | ${mean(own.map(({ valLoss }) => valLoss)).toFixed(4)} | ` +
        `${difference.toFixed(4)} ± ${spread.toFixed(4)} | ${paired.filter((x) => x < 0).length} of ${paired.length} |`
      );
    });
    return [
      `${title}:`,
      '',
      '| start | values | loss | from plain | better |',
      '|---|---:|---:|---:|---:|',
      ...rows,
      '',
    ];
  });
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample. */
function deviation(values: number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
