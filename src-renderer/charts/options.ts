/** How a chart looks: axes, series and colours from the theme's tokens. */
import type uPlot from 'uplot';
import type { Range } from './drawn.ts';
import type { ChartLine, Look } from './line.ts';
import { tickText, X_AXIS_TEXTS, type XAxis } from './xAxis.ts';

export interface ChartLook {
  width: number;
  height: number;
  /** Of the usual size of texts, 1 for the same. */
  textScale: number;
  log: boolean;
  axis: XAxis;
  /** What the y axis measures. */
  title: string;
  /** What is shown of the x axis. */
  range: () => Range;
  colour: (token: string) => string;
  format: (value: number) => string;
}

export function chartOptions(lines: readonly ChartLine[], look: ChartLook): uPlot.Options {
  const font = `${12 * look.textScale}px 'Inter Variable', system-ui, sans-serif`;
  const axis: uPlot.Axis = {
    stroke: () => look.colour('--chart-axis'),
    grid: { stroke: () => look.colour('--chart-grid'), width: 1 },
    ticks: { show: false },
    font,
    labelFont: font,
    labelSize: 18 * look.textScale,
    labelGap: 0,
  };
  return {
    width: look.width,
    height: look.height,
    padding: [8, 26, 0, 0],
    scales: {
      x: { time: false, range: () => [look.range().min, look.range().max] },
      y: look.log ? { distr: 3, log: 10 } : { range: { min: { pad: 0.08 }, max: { pad: 0.08 } } },
    },
    axes: [
      {
        ...axis,
        size: 28 * look.textScale,
        label: X_AXIS_TEXTS[look.axis].title,
        incrs: X_AXIS_TEXTS[look.axis].increments,
        ...(look.axis === 'step'
          ? {}
          : { space: 80 * look.textScale, values: (_plot, splits) => splits.map((x) => tickText(look.axis, x)) }),
      },
      {
        ...axis,
        size: 64 * look.textScale,
        label: look.title,
        values: (_plot, splits) => splits.map((value) => (value === null ? null : look.format(value))),
      },
    ],
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
    series: [
      { label: 'Step' },
      ...lines.map((line) => ({
        label: line.label,
        stroke: () => look.colour(line.colour),
        ...LOOKS[line.look](() => look.colour(line.colour)),
      })),
    ],
  };
}

const LOOKS: Record<Look, (colour: () => string) => uPlot.Series> = {
  raw: (colour) => ({ width: 1.25, points: { size: 4, fill: colour } }),
  smooth: () => ({ width: 2.5, points: { show: false } }),
  dashed: (colour) => ({ width: 2, dash: [4, 4], points: { show: true, size: 7, fill: colour } }),
  ringed: (colour) => ({
    width: 0,
    paths: () => null,
    points: { show: true, size: 11, width: 2, stroke: colour, fill: 'transparent' },
  }),
};
