/** How the loss graph looks: series, axes and colours from the theme's tokens. */
import type uPlot from 'uplot';

/** The resolved value of a registered colour token. */
function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function lossOptions(width: number, height: number, totalSteps: () => number): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: () => token('--chart-axis'),
    grid: { stroke: () => token('--chart-grid'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    labelSize: 20,
  };
  return {
    width,
    height,
    scales: { x: { time: false, range: (_plot, min, max) => [Math.min(min ?? 0, 1), Math.max(max ?? 1, totalSteps(), 2)] } },
    axes: [
      { ...axis, label: 'Step', size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000] },
      { ...axis, label: 'Loss', size: 56 },
    ],
    legend: { live: true },
    cursor: { drag: { x: true, y: false } },
    series: [
      { label: 'Step' },
      { label: 'Train', stroke: () => token('--chart-raw'), width: 1, points: { size: 4, fill: () => token('--chart-raw') }, value: showLoss },
      { label: 'Train, smoothed', stroke: () => token('--chart-smooth'), width: 2, spanGaps: true, points: { show: false }, value: showLoss },
      {
        label: 'Validation',
        stroke: () => token('--chart-validation'),
        width: 1.5,
        dash: [4, 4],
        spanGaps: true,
        points: { show: true, size: 7, fill: () => token('--chart-validation') },
        value: showLoss,
      },
    ],
  };
}

function showLoss(_plot: uPlot, value: number | null): string {
  return value === null ? '–' : value.toFixed(4);
}
