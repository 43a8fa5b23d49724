import { expect, it } from 'vitest';
import { shortLabels } from './labels.ts';

const long = 'a task with a very long name indeed';

it.each([
  [['short', 'other']],
  [[`${long}, 1 Nov 2026, 10:00`, `${long}, 1 Nov 2026, 11:00`]],
  [[`${long} rank 8 and the same end of it`, `${long} rank 16 and the same end of it`, long]],
  [['x'.repeat(80), `${'x'.repeat(40)}y${'x'.repeat(39)}`, 'x'.repeat(81)]],
  [[long, `${long}, validation`, `${long} 2`, `${long} 2, validation`]],
])('names that differ stay different when they are cut: %#', (labels) => {
  const short = shortLabels(labels);
  expect(new Set(short).size).toBe(labels.length);
  for (const [i, text] of short.entries()) {
    expect(text.length).toBeLessThanOrEqual(28);
    if (labels[i]!.length <= 28) expect(text).toBe(labels[i]);
  }
});
