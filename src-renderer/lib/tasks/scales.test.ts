import { expect, it } from 'vitest';
import { parseScales, scalesText } from './scales.ts';

it('adapters with scales come back from the address', () => {
  const parts = [
    { id: 'adapter-1', scale: 1 },
    { id: 'adapter-2', scale: -0.5 },
  ];
  expect(parseScales(scalesText(parts))).toEqual(parts);
  expect(parseScales('adapter-1')).toEqual([{ id: 'adapter-1', scale: 1 }]);
  expect(parseScales('')).toEqual([]);
});
