/** What a drawn plot says: units, all points in their places, both systems. */
import { expect, it } from 'vitest';
import { plotSvg, type Plot } from './plot.ts';

const plot: Plot = {
  name: 'growth-test',
  alt: 'test',
  panels: [
    {
      title: 'Speed',
      xLabel: 'length, tokens',
      yLabel: 'tokens/s',
      series: [
        {
          name: 'Graft',
          points: [
            { x: 64, y: 100 },
            { x: 128, y: 200 },
            { x: 256, y: 400 },
          ],
        },
        {
          name: 'A & B',
          points: [
            { x: 64, y: 50 },
            { x: 256, y: 50 },
          ],
        },
      ],
    },
  ],
};
const svg = plotSvg(plot);
const polylines = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map((match) =>
  match[1]!.split(' ').map((pair) => pair.split(',').map(Number) as [number, number]),
);

it('names axes, units, ticks and every system', () => {
  for (const words of [
    'length, tokens',
    'tokens/s',
    'Speed',
    '>Graft<',
    '>A &amp; B<',
    '>64<',
    '>128<',
    '>256<',
    '>200<',
  ])
    expect(svg).toContain(words);
});

it('draws a power law as a straight line, rising with the value', () => {
  const [[a, b, c]] = polylines as [[[number, number], [number, number], [number, number]]];
  expect(b[0] - a[0]).toBeCloseTo(c[0] - b[0], 0);
  expect(b[1] - a[1]).toBeCloseTo(c[1] - b[1], 0);
  expect(c[1]).toBeLessThan(a[1]);
  expect(polylines[1]![0]![1]).toBe(polylines[1]![1]![1]);
});
