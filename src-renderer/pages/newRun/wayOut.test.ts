import { expect, it } from 'vitest';
import type { Failure } from '../../lib/stream.ts';
import { wayOut } from './wayOut.ts';
import type { Wizard } from './wizard.svelte.ts';

/** What the wizard is asked to change by pressing the buttons one after the other. */
function press(details: Record<string, unknown>) {
  const asked: unknown[] = [];
  const wizard = {
    draft: { datasetId: 'd' },
    fit: {
      settings: { maxLength: 256 },
      set: (changes: object) => Object.assign(wizard.fit.settings, changes),
    },
    leaveOut: (lines: number[]) => asked.push(lines),
  } as unknown as Wizard;
  const failure = { code: 'DATASET_NO_LABELS', message: '', details } as Failure;
  const ways = wayOut(failure, wizard);
  for (const way of ways) if ('run' in way) way.run();
  return { labels: ways.map(({ label }) => label), maxLength: wizard.fit.settings.maxLength, asked };
}

const rows = [
  { line: 3, reason: 'too long' },
  { line: 9, reason: 'too long' },
];

it('rows that are too long: a longer maximum, up to what the model sees, or without them', () => {
  const { labels, maxLength, asked } = press({ maxLength: 256, modelLength: 2048, rows });
  expect(labels).toEqual(['Maximum length 512', 'Leave these 2 rows out', 'Open it in Datasets']);
  expect([maxLength, asked]).toEqual([512, [[3, 9]]]);
  expect(press({ maxLength: 256, modelLength: 300, rows }).maxLength).toBe(300);
});

it("at the model's own limit no longer maximum is offered, which would fail the same way", () => {
  const { labels, maxLength } = press({ maxLength: 512, modelLength: 512, rows: rows.slice(1) });
  expect(labels).toEqual(['Leave this row out', 'Open it in Datasets']);
  expect(maxLength).toBe(256);
});
