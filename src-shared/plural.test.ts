import { expect, it } from 'vitest';
import { counted } from './plural.ts';

it.each([
  [0, 'row', '0 rows'],
  [1, 'row', '1 row'],
  [1.5, ['epoch', 'epochs'], '1.5 epochs'],
  [1, ['batch', 'batches'], '1 batch'],
  [12_000, ['batch', 'batches'], '12,000 batches'],
])('%d %s', (count, noun, want) => expect(counted(count, noun)).toBe(want));

it('takes the forms and the numbers of another language', () => {
  const polish = (n: number): number => (n === 1 ? 0 : n % 10 >= 2 && n % 10 <= 4 ? 1 : 2);
  expect(counted(1203, ['krok', 'kroki', 'kroków'], polish, 'de')).toBe('1.203 kroki');
});
