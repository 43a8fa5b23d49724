import { expect, it } from 'vitest';
import { inkOn, levelOf, LEVELS, RAMPS } from './colours.ts';
import { cellWords, heatCsv, movedCell, rangeOf, type HeatMapData } from './heatMap.ts';
import { heatSvg } from './picture.ts';
import { cellAt, heatScene } from './scene.ts';

const map: HeatMapData = {
  title: 'Ranks <used>',
  rowName: 'Layer',
  columnName: 'Matrix',
  rows: ['0', '1'],
  columns: ['q', 'v, k', 'o'],
  values: [
    [1, null, 0.1 + 0.2],
    [8, 4, 2],
  ],
  absent: 'not adapted',
  format: (value) => value.toFixed(1),
};

/** sRGB to OKLab (Ottosson 2020), the way that the ramps were not made. */
function oklab(hex: string): [L: number, a: number, b: number] {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

it.each(['light', 'dark'] as const)('equal steps of a value look equally large in the %s theme', (theme) => {
  const colours = RAMPS[theme].map(oklab);
  const between = (i: number, k: number): number =>
    Math.hypot(...colours[i]!.map((value, at) => value - colours[k]![at]!));
  const eighths = Array.from({ length: 7 }, (_, i) => between(i * 9, (i + 1) * 9));
  expect(Math.max(...eighths) / Math.min(...eighths)).toBeLessThan(1.15);
  const lightness = colours.map(([L]) => L);
  const sign = theme === 'light' ? -1 : 1;
  for (let i = 1; i < LEVELS; i++) expect(sign * (lightness[i]! - lightness[i - 1]!)).toBeGreaterThan(0);
});

it.each(['light', 'dark'] as const)('numbers are readable on every colour of the %s theme', (theme) => {
  for (const colour of RAMPS[theme]) {
    const channel = (at: number): number => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    const contrast = inkOn(colour) === '#000000' ? (luminance + 0.05) / 0.05 : 1.05 / (luminance + 0.05);
    expect(contrast).toBeGreaterThan(4.5);
  }
});

it('values fall on colours from end to end, those beyond on the ends', () => {
  expect([0, 1, -3, 9].map((value) => levelOf(value, [0, 1]))).toEqual([0, LEVELS - 1, 0, LEVELS - 1]);
  expect(levelOf(0.5, [0, 1])).toBe(LEVELS / 2);
  expect(levelOf(7, [7, 7])).toBe(LEVELS / 2);
  expect(rangeOf(map)).toEqual([0.1 + 0.2, 8]);
  expect(rangeOf({ values: [[null]] })).toEqual([0, 1]);
});

it('the CSV has every value as it is, what is absent empty, and quotes where they are needed', () => {
  expect(heatCsv(map)).toBe('Layer,q,"v, k",o\n0,1,,0.30000000000000004\n1,8,4,2\n');
});

it('a cell is said with its place, or that there is nothing', () => {
  expect(cellWords(map, { row: 1, column: 0 })).toBe('Layer 1, Matrix q: 8.0');
  expect(cellWords(map, { row: 0, column: 1 })).toBe('Layer 0, Matrix v, k: not adapted');
});

it('arrow keys move within the map', () => {
  const press = (key: string, row: number, column: number, ctrlKey = false) =>
    movedCell({ key, ctrlKey }, { row, column }, map);
  expect(press('ArrowRight', 0, 0)).toEqual({ row: 0, column: 1 });
  expect(press('ArrowRight', 0, 2)).toEqual({ row: 0, column: 2 });
  expect(press('ArrowUp', 0, 2)).toEqual({ row: 0, column: 2 });
  expect(press('ArrowDown', 0, 2)).toEqual({ row: 1, column: 2 });
  expect(press('End', 0, 1)).toEqual({ row: 0, column: 2 });
  expect(press('End', 0, 1, true)).toEqual({ row: 1, column: 2 });
  expect(press('Home', 1, 1, true)).toEqual({ row: 0, column: 0 });
  expect(press('x', 1, 1)).toBeUndefined();
});

it('a point of the drawing leads to the cell that is drawn there', () => {
  const scene = heatScene(map, true);
  const middle = (row: number, column: number) =>
    cellAt(scene, map, scene.left + (column + 0.5) * scene.cellWidth, scene.top + (row + 0.5) * scene.cellHeight);
  expect(middle(1, 2)).toEqual({ row: 1, column: 2 });
  expect(middle(2, 0)).toBeUndefined();
  expect(middle(0, -1)).toBeUndefined();
});

it('a map of 48 layers and 7 matrices is a few dozen shapes', () => {
  const values = Array.from({ length: 48 }, (_, i) => Array.from({ length: 7 }, (__, j) => Math.sin(i * 7 + j)));
  const labels = (length: number) => Array.from({ length }, (_, i) => String(i));
  const large = { ...map, rows: labels(48), columns: labels(7), values };
  const { cells } = heatScene(large, false);
  expect(cells.length).toBeLessThanOrEqual(LEVELS);
  expect(cells.reduce((sum, { path }) => sum + path.split('z').length - 1, 0)).toBe(48 * 7);
});

it('the legend writes no middle that its ends have already', () => {
  const labels = (format: (value: number) => string) =>
    heatScene({ ...map, range: [0, 1], format }, false)
      .texts.slice(-3)
      .map(({ text }) => text);
  expect(labels((value) => value.toFixed(1))).toEqual(['0.0', '0.5', '1.0']);
  expect(labels((value) => String(Math.round(value))).slice(1)).toEqual(['0', '1']);
});

it('an SVG is a file of its own: colours as numbers, names escaped, the absent cell outlined', () => {
  const colours = { theme: 'light', background: '#fff', text: '#111', line: '#888' } as const;
  const svg = heatSvg(map, true, colours);
  expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
  expect(svg).toContain('Ranks &lt;used&gt;');
  expect(svg).not.toMatch(/var\(|light-dark/);
  expect(svg).toContain(`fill="${RAMPS.light[LEVELS - 1]}"`);
  expect(svg.match(/stroke="#888" d="[^"]+"/g)).toHaveLength(1);
});
