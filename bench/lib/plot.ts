/** Growth curves as SVG: panels side by side, both axes logarithmic, one line per system. */
import { logAxis, logPosition, valueAxis, type Axis } from './plotScale.ts';

export interface Series {
  name: string;
  points: { x: number; y: number }[];
}

export interface Panel {
  title: string;
  /** With its unit. */
  xLabel: string;
  yLabel: string;
  series: Series[];
}

export interface Plot {
  /** Of the PNG in docs, without its ending. */
  name: string;
  /** Read aloud instead of the picture. */
  alt: string;
  panels: Panel[];
}

/** Of the whole picture, in CSS pixels. */
export interface Size {
  width: number;
  height: number;
}

const PANEL: Size = { width: 480, height: 380 };
/** Around the axes of a panel: title and legend above, labels left and below. */
const MARGIN = { top: 86, right: 22, bottom: 56, left: 66 };
/** Apart in hue and in lightness, so that they differ in grey too; shapes differ as well. */
const COLOURS = ['#0b5fff', '#d9480f', '#2b8a3e', '#862e9c'];
const FONT = 'font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif"';

export function plotSize({ panels }: Plot): Size {
  return { width: PANEL.width * panels.length, height: PANEL.height };
}

export function plotSvg(plot: Plot): string {
  const { width, height } = plotSize(plot);
  const panels = plot.panels
    .map((panel, i) => `<g transform="translate(${i * PANEL.width} 0)">${panelSvg(panel)}</g>`)
    .join('\n');
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${FONT} font-size="12" fill="#212529">
<rect width="${width}" height="${height}" fill="#ffffff"/>
${panels}
</svg>`;
}

interface Frame {
  x: (value: number) => number;
  y: (value: number) => number;
  xAxis: Axis;
  yAxis: Axis;
}

function panelSvg(panel: Panel): string {
  const points = panel.series.flatMap((series) => series.points);
  const [xAxis, yAxis] = [valueAxis(points.map(({ x }) => x)), logAxis(points.map(({ y }) => y))];
  const [wide, high] = [PANEL.width - MARGIN.left - MARGIN.right, PANEL.height - MARGIN.top - MARGIN.bottom];
  const frame: Frame = {
    xAxis,
    yAxis,
    x: (value) => MARGIN.left + wide * logPosition(value, xAxis),
    y: (value) => MARGIN.top + high * (1 - logPosition(value, yAxis)),
  };
  return [
    text(MARGIN.left, 24, panel.title, 'font-size="15" font-weight="bold"'),
    ...grid(frame),
    text(MARGIN.left + wide / 2, PANEL.height - 14, panel.xLabel, 'text-anchor="middle"'),
    text(0, 0, panel.yLabel, `text-anchor="middle" transform="translate(18 ${MARGIN.top + high / 2}) rotate(-90)"`),
    ...panel.series.flatMap((series, i) => [line(series, i, frame), legend(series, i)]),
  ].join('\n');
}

function grid({ x, y, xAxis, yAxis }: Frame): string[] {
  const [left, right] = [MARGIN.left, PANEL.width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, PANEL.height - MARGIN.bottom];
  const rule = (x1: number, y1: number, x2: number, y2: number, colour: string): string =>
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}"/>`;
  return [
    ...xAxis.ticks.flatMap((tick) => [
      rule(x(tick), top, x(tick), bottom, '#e9ecef'),
      text(x(tick), bottom + 18, number(tick), 'text-anchor="middle"'),
    ]),
    ...yAxis.ticks.flatMap((tick) => [
      rule(left, y(tick), right, y(tick), '#e9ecef'),
      text(left - 8, y(tick) + 4, number(tick), 'text-anchor="end"'),
    ]),
    rule(left, bottom, right, bottom, '#495057'),
    rule(left, top, left, bottom, '#495057'),
  ];
}

function line({ points }: Series, i: number, { x, y }: Frame): string {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const path = sorted.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ');
  return (
    `<polyline points="${path}" fill="none" stroke="${colour(i)}" ` +
    `stroke-width="2.2"/>${sorted.map((point) => marker(x(point.x), y(point.y), i)).join('')}`
  );
}

function legend({ name }: Series, i: number): string {
  const [x, y] = [MARGIN.left, 46 + 18 * i];
  return (
    `<line x1="${x}" y1="${y}" x2="${x + 26}" y2="${y}" stroke="${colour(i)}" ` +
    `stroke-width="2.2"/>${marker(x + 13, y, i)}${text(x + 34, y + 4, name, '')}`
  );
}

/** Circles and squares in turn. */
function marker(x: number, y: number, i: number): string {
  if (i % 2 === 0) return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4.5" fill="${colour(i)}"/>`;
  return `<rect x="${(x - 4).toFixed(1)}" y="${(y - 4).toFixed(1)}" width="8" height="8" fill="${colour(i)}"/>`;
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length]!;
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
}

function number(value: number): string {
  return value >= 10_000
    ? value.toLocaleString('en')
    : String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
}
