import { expect, test } from 'vitest';
import {
  baseName,
  formatBytes,
  formatChance,
  formatCount,
  formatDuration,
  formatFixed,
  formatShare,
  formatShort,
  formatSmall,
  formatTimeLeft,
  shortPath,
  formatDay,
} from './format.ts';

test('counts and sizes', () => {
  expect(formatCount(260032)).toBe('260,032');
  expect(formatShort(260032)).toBe('260K');
  expect(formatShort(1_100_000_000)).toBe('1.1B');
  expect(formatShort(999)).toBe('999');
  expect(formatShort(999_885_952)).toBe('1B');
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(5 * 1024 ** 3)).toBe('5 GiB');
});

test('durations change unit at a second, a minute, an hour', () => {
  expect(formatDuration(0.0342)).toBe('0.034 ms');
  expect(formatDuration(3.25)).toBe('3.3 ms');
  expect(formatDuration(1200)).toBe('1.2 s');
  expect(formatDuration(83_000)).toBe('1 min 23 s');
  expect(formatDuration(59_999)).toBe('60 s');
  expect(formatDuration(7_380_000)).toBe('2 h 3 min');
});

test('the time left is told in whole seconds, never as 0', () => {
  expect([0, 1, 999, 1000, 1499, 83_400].map(formatTimeLeft)).toEqual([
    'under 1 s',
    'under 1 s',
    'under 1 s',
    '1 s',
    '1 s',
    '1 min 23 s',
  ]);
});

test('small numbers, shares, names', () => {
  expect(formatSmall(0.00012)).toBe('1.2e-4');
  expect(formatSmall(2e-4)).toBe('2e-4');
  expect(formatSmall(0)).toBe('0');
  expect(formatShare(0.9375)).toBe('93.8 %');
  expect([0.9375, 0.00042, 1e-9].map(formatChance)).toEqual(['93.8 %', '0.042 %', '< 0.0001 %']);
  expect(shortPath('/data/starter/model/')).toBe('starter/model');
  expect(baseName('/a/b c/')).toBe('b c');
  expect(baseName('C:\\models\\tiny')).toBe('tiny');
});

test.each([
  ['2026-03-04T09:05:00', '09:05'],
  ['2026-03-03T09:05:00', '3 Mar'],
  ['2025-03-04T09:05:00', '4 Mar 2025'],
])('on 4 March 2026, %s is %s', (value, want) => expect(formatDay(value, new Date('2026-03-04T12:00:00'))).toBe(want));

test('fixed decimals keep their zeros', () => {
  expect(formatFixed(0.5, 2)).toBe('0.50');
  expect(formatFixed(197.66, 1)).toBe('197.7');
});
