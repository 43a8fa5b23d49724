import { expect, it } from 'vitest';
import { Random } from '../../../src-shared/random.ts';
import { StopText } from './stopText.ts';

/** Everything shown when `pieces` come one after the other. */
function shown(stops: string[], pieces: string[]): { text: string; stopped: boolean } {
  const filter = new StopText(stops);
  const text = pieces.map((piece) => filter.push(piece)).join('') + filter.end();
  return { text, stopped: filter.stopped };
}

it('shows everything at once when there are no stop strings, and an empty one is none', () => {
  const filter = new StopText(['']);
  expect(filter.push('abc')).toBe('abc');
  expect(filter).toMatchObject({ stopped: false });
});

it('holds back what could become a stop string, and shows it when it does not', () => {
  const filter = new StopText(['\n###']);
  expect(filter.push('yes\n#')).toBe('yes');
  expect(filter.push('#')).toBe('');
  expect(filter.push(' no')).toBe('\n## no');
  expect(filter.push('\n')).toBe('');
  expect(filter.end()).toBe('\n');
});

it('ends before the first stop string and drops everything after it', () => {
  const filter = new StopText(['END', 'B']);
  expect(filter.push('aENDbB')).toBe('a');
  expect(filter.stopped).toBe(true);
  expect(filter.push('more')).toBe('');
  expect(filter.end()).toBe('');
});

it('finds a stop string that begins inside a false start of itself', () => {
  expect(shown(['aab'], ['a', 'a', 'a', 'b', 'c'])).toEqual({ text: 'a', stopped: true });
});

it('gives the same text however the text is cut into pieces', () => {
  const random = new Random(7);
  for (let round = 0; round < 500; round++) {
    const letters = (n: number): string => Array.from({ length: n }, () => 'ab'[random.integer(2)]).join('');
    const whole = letters(12);
    const stops = [letters(1 + random.integer(4)), letters(2 + random.integer(4))];
    const pieces: string[] = [];
    for (let at = 0; at < whole.length;) pieces.push(whole.slice(at, (at += 1 + random.integer(3))));
    const positions = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
    // A short stop string that is complete ends the text, even where a longer one began earlier but is not complete
    // yet.
    const ends = stops.filter((stop) => whole.includes(stop)).map((stop) => whole.indexOf(stop) + stop.length);
    const { text, stopped } = shown(stops, pieces);
    expect(stopped).toBe(positions.length > 0);
    if (!stopped) expect(text).toBe(whole);
    else {
      expect(whole.startsWith(text)).toBe(true);
      expect(stops.some((stop) => text.includes(stop))).toBe(false);
      expect(positions).toContain(text.length);
      expect(text.length).toBeLessThan(Math.min(...ends));
    }
  }
});
