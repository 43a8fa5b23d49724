/** A heat map as shapes and texts, without colours: the page, the SVG and the PNG are drawn from the same. */
import { LEVELS, levelOf } from './colours.ts';
import { rangeOf, type HeatCell, type HeatMapData } from './heatMap.ts';

interface SceneText {
  x: number;
  y: number;
  text: string;
  anchor: 'start' | 'middle' | 'end';
  /** Of a label; the level of the cell that it stands in; or in a cell without a value. */
  on: 'label' | 'absent' | number;
}

export interface HeatScene {
  width: number;
  height: number;
  /** Where the cells begin, and the size of one. */
  left: number;
  top: number;
  cellWidth: number;
  cellHeight: number;
  /** All cells of one colour as one path. */
  cells: { level: number; path: string }[];
  /** Outlines of the cells without a value. */
  absent: string;
  legend: { level: number; x: number; y: number; width: number; height: number }[];
  texts: SceneText[];
}

/** px */
const GAP = 1;
const LEGEND = { height: 10, width: 220, below: 18 };
const CHARACTER = 7;
/** Side of a map whose cells hold no numbers, and bounds of one of its cells. */
const GRID = 340;
const SMALLEST = 4;
const LARGEST = 28;
/** Rows from which cells are lower. */
const MANY = 24;
/** px that labels need along their axis. */
const LINE = 13;
const BETWEEN = 4;
/** Side from which cells have a gap between them; of smaller ones it would be the most of the picture. */
const GAP_FROM = 8;
/** Every so many labels are shown. */
const STEPS = [1, 2, 4, 8, 16, 32, 64];

/** `numbers`: whether the cells hold their values. */
export function heatScene(map: HeatMapData, numbers: boolean): HeatScene {
  const range = rangeOf(map);
  // Whole pixels: there would be seams between cells otherwise.
  const fitting = Math.floor(GRID / Math.max(1, map.rows.length, map.columns.length));
  const side = Math.min(LARGEST, Math.max(SMALLEST, fitting));
  const cellWidth = numbers ? 58 : side;
  const cellHeight = numbers ? (map.rows.length > MANY ? 18 : 26) : side;
  const gap = Math.min(cellWidth, cellHeight) >= GAP_FROM ? GAP : 0;
  const left = 14 + CHARACTER * Math.max(map.rowName.length, ...map.rows.map((text) => text.length));
  const top = 38;
  const bottom = top + map.rows.length * cellHeight;
  const levels = Array.from({ length: LEVELS }, () => '');
  let absent = '';
  const inside: SceneText[] = [];
  const boxAt = ({ row, column }: HeatCell): string =>
    `M${round(left + column * cellWidth)} ${round(top + row * cellHeight)}h${round(cellWidth - gap)}` +
    `v${round(cellHeight - gap)}h${round(gap - cellWidth)}z`;
  map.rows.forEach((_, row) =>
    map.columns.forEach((__, column) => {
      const value = map.values[row]?.[column] ?? null;
      const level = value === null ? undefined : levelOf(value, range);
      if (level === undefined) absent += boxAt({ row, column });
      else levels[level] += boxAt({ row, column });
      if (!numbers) return;
      const [x, y] = [left + (column + 0.5) * cellWidth, top + (row + 0.5) * cellHeight];
      const text = value === null ? '–' : map.format(value);
      inside.push({ x, y, text, anchor: 'middle', on: level ?? 'absent' });
    }),
  );
  return {
    width: Math.max(left + map.columns.length * cellWidth, left + LEGEND.width) + 24,
    height: bottom + LEGEND.below + LEGEND.height + 20,
    left,
    top,
    cellWidth,
    cellHeight,
    cells: levels.flatMap((path, level) => (path ? [{ level, path }] : [])),
    absent,
    legend: Array.from({ length: LEVELS }, (_, level) => ({
      level,
      x: left + (level * LEGEND.width) / LEVELS,
      y: bottom + LEGEND.below,
      width: LEGEND.width / LEVELS + 0.5, // no seam between two
      height: LEGEND.height,
    })),
    texts: [...axisTexts(map, { left, top, cellWidth, cellHeight }), ...inside, ...legendTexts(map, left, bottom)],
  };
}

function axisTexts(
  { rows, columns, rowName, columnName }: HeatMapData,
  { left, top, cellWidth, cellHeight }: Pick<HeatScene, 'left' | 'top' | 'cellWidth' | 'cellHeight'>,
): SceneText[] {
  const label = (x: number, y: number, text: string, anchor: SceneText['anchor']): SceneText => ({
    ...{ x, y, text, anchor },
    on: 'label',
  });
  const widest = CHARACTER * Math.max(...columns.map((text) => text.length)) + BETWEEN;
  const [acrossStep, downStep] = [stepFor(widest, cellWidth), stepFor(LINE, cellHeight)];
  const isShown = (i: number, step: number): boolean => i === 0 || (i + 1) % step === 0;
  return [
    label(left, 8, columnName, 'start'),
    label(left - 8, 8, rowName, 'end'),
    ...columns.flatMap((text, i) =>
      isShown(i, acrossStep) ? [label(left + (i + 0.5) * cellWidth, top - 12, text, 'middle')] : [],
    ),
    ...rows.flatMap((text, i) =>
      isShown(i, downStep) ? [label(left - 8, top + (i + 0.5) * cellHeight, text, 'end')] : [],
    ),
  ];
}

function stepFor(needed: number, size: number): number {
  return STEPS.find((step) => step * size >= needed) ?? STEPS.at(-1)!;
}

function legendTexts(map: HeatMapData, left: number, bottom: number): SceneText[] {
  const [low, high] = rangeOf(map);
  const y = bottom + LEGEND.below + LEGEND.height + 10;
  const [from, middle, to] = [low, (low + high) / 2, high].map(map.format) as [string, string, string];
  const at = (share: number, text: string, anchor: SceneText['anchor']): SceneText => ({
    ...{ x: left + share * LEGEND.width, y, text, anchor },
    on: 'label',
  });
  // Between whole numbers there may be none to write.
  const between = middle === from || middle === to ? [] : [at(0.5, middle, 'middle')];
  return [at(0, from, 'start'), ...between, at(1, to, 'end')];
}

/** The cell at a point of the scene; undefined beside the cells. */
export function cellAt(scene: HeatScene, map: HeatMapData, x: number, y: number): HeatCell | undefined {
  const column = Math.floor((x - scene.left) / scene.cellWidth);
  const row = Math.floor((y - scene.top) / scene.cellHeight);
  return map.rows[row] !== undefined && map.columns[column] !== undefined ? { row, column } : undefined;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
