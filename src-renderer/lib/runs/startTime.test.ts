import { expect, it } from 'vitest';
import { fromField, isScheduled, toField } from './startTime.ts';

it('shows a time as the local clock does, and reads it back', () => {
  const time = new Date(2026, 11, 1, 22, 30).toISOString();
  expect(toField(time)).toBe('2026-12-01T22:30');
  expect(fromField('2026-12-01T22:30')).toBe(time);
  expect([fromField(''), fromField('2026-12'), toField(null)]).toEqual([undefined, '2026-12-01T00:00:00.000Z', '']);
});

it('knows a run that waits for its time from one that waits for its turn', () => {
  const now = Date.parse('2026-12-01T12:00:00Z');
  const run = { status: 'queued' as const, notBefore: '2026-12-01T12:01:00.000Z' };
  expect(isScheduled(run, now)).toBe(true);
  expect(isScheduled(run, now + 60_000)).toBe(false);
  expect(isScheduled({ ...run, notBefore: null }, now)).toBe(false);
  expect(isScheduled({ ...run, status: 'running' }, now)).toBe(false);
});
