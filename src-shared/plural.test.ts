import { expect, it } from 'vitest';
import { counted } from './plural.ts';

it.each([
  [0, 'row', undefined, '0 rows'],
  [1, 'row', undefined, '1 row'],
  [1.5, 'epoch', undefined, '1.5 epochs'],
  [1, 'batch', 'batches', '1 batch'],
  [12_000, 'batch', 'batches', '12,000 batches'],
])('%d %s', (count, noun, plural, want) => expect(counted(count, noun, plural)).toBe(want));
