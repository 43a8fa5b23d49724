import { expect, it } from 'vitest';
import { distinctNames } from './compareLines.ts';

it('adapters of one name are told apart by their time, and of one time by a number', () => {
  const at = (name: string, createdAt: string) => ({ name, createdAt });
  const names = distinctNames([
    at('a', '2026-01-01T10:00:00'),
    at('b', '2026-01-01T10:00:00'),
    at('a', '2026-01-01T11:00:00'),
    at('a', '2026-01-01T11:00:30'),
  ]);
  expect(names[1]).toBe('b');
  expect(names[0]).toMatch(/^a, .*10:00$/);
  expect(names[2]).toMatch(/^a, .*11:00 \(1\)$/);
  expect(names[3]).toMatch(/^a, .*11:00 \(2\)$/);
});
