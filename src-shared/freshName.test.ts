import { expect, it } from 'vitest';
import { freshName } from './freshName.ts';

it.each([
  ['colours', [], 'colours'],
  ['colours', ['colours'], 'colours 2'],
  ['colours 2', ['colours', 'colours 2'], 'colours 3'],
  ['colours', ['colours', 'colours 2', 'colours 4'], 'colours 3'],
  ['colours 9', ['colours 9'], 'colours 9 2'],
  ['long from step 80', ['long', 'long from step 80'], 'long from step 80 2'],
  ['7', ['7'], '7 2'],
])('a copy of %s beside %j is %s', (name, taken, want) => expect(freshName(name, taken)).toBe(want));
