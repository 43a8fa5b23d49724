import { expect, it } from 'vitest';
import { readArgs } from './args.ts';
import { readStartTime } from './startTime.ts';

const NOW = new Date(2026, 10, 30, 21, 0);
const read = (text: string): string | undefined =>
  readStartTime(readArgs([`--not-before=${text}`], { 'not-before': { type: 'string', help: '' } }, []), NOW);

it.each([
  ['22:30', new Date(2026, 10, 30, 22, 30)],
  ['6:05', new Date(2026, 11, 1, 6, 5)],
  ['2026-12-24T18:00', new Date(2026, 11, 24, 18, 0)],
  ['2026-12-24 18:00', new Date(2026, 11, 24, 18, 0)],
  ['2026-12-24T18:00+02:00', new Date('2026-12-24T16:00:00Z')],
])('%s', (text, time) => {
  expect(read(text)).toBe(time.toISOString());
});

it.each(['24:00', 'tomorrow', '2026-13-01T00:00', '12', '2026-12-24'])('%s is refused', (text) => {
  expect(() => read(text)).toThrow(/--not-before ".*" is not valid; give a time as 22:30, or a day and a time/);
});
