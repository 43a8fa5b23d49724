/** Curves of tokens/s and peak memory over what grows: their exponents in words, and plots. */
import type { Panel, Plot, Series } from '../lib/plot.ts';
import type { Row } from '../lib/result.ts';
import { growthExponent } from './growthExponent.ts';

export interface Sweep {
  /** What grows. */
  name: string;
  xLabel: string;
  points: { x: number; rows: Row[] }[];
}

interface Measure {
  title: string;
  yLabel: string;
  of(row: Row): number;
}

const SPEED: Measure = { title: 'Speed', yLabel: 'tokens/s', of: ({ rate }) => rate.perSecond };
const MEMORY: Measure = { title: 'Peak memory', yLabel: 'GB', of: ({ peakBytes }) => peakBytes! / 1e9 };

export function growthCurves(sweeps: Sweep[]): { notes: string[]; plots: Plot[] } {
  return { notes: sweeps.flatMap(exponentNotes), plots: sweeps.map(plotOf) };
}

function exponentNotes(sweep: Sweep): string[] {
  const [speeds, memories] = [curves(sweep, SPEED), curves(sweep, MEMORY)];
  const disturbed = (name: string): boolean =>
    sweep.points.some(({ rows }) => rows.some((row) => row.system === name && row.disturbed));
  return speeds.map(({ name, points }, i) => {
    const doubt = disturbed(name) ? ' (times disturbed by other programs)' : '';
    return (
      `${name} over ${sweep.name}: tokens/s grow as its power ${exponentOf(points)}${doubt}, peak memory as ` +
      `${exponentOf(memories[i]!.points)}.`
    );
  });
}

function plotOf(sweep: Sweep): Plot {
  const panels = [SPEED, MEMORY].map((measure): Panel => ({
    title: `${measure.title} over ${sweep.name}`,
    xLabel: sweep.xLabel,
    yLabel: measure.yLabel,
    series: curves(sweep, measure).map(({ name, points }) => ({
      name: `${name}, exponent ${exponentOf(points)}`,
      points,
    })),
  }));
  return {
    name: `growth-${sweep.name}`,
    alt: `Tokens per second and peak memory of one training step over ${sweep.name}`,
    panels,
  };
}

/** One per system, in the order of the rows. */
function curves({ points }: Sweep, { of }: Measure): Series[] {
  const systems = [...new Set(points.flatMap(({ rows }) => rows.map(({ system }) => system)))];
  return systems.map((name) => ({
    name,
    points: points.map(({ x, rows }) => ({ x, y: of(rows.find(({ system }) => system === name)!) })),
  }));
}

function exponentOf(points: { x: number; y: number }[]): string {
  return growthExponent(
    points.map(({ x }) => x),
    points.map(({ y }) => y),
  ).toFixed(2);
}
