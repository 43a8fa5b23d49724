/** The measurements as the tables of docs/performance-ui.md. */
import type { Circumstances } from '../lib/machine.ts';
import type { MemoryFigures, PaintFigures, RowsFigures, StreamFigures } from './cases.ts';
import type { Frames } from './frames.ts';
import type { MillionFigures } from './million.ts';

export interface Figures {
  empty: Frames;
  paint: PaintFigures;
  stream: StreamFigures;
  rows: RowsFigures;
  hour: MemoryFigures;
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (bytes: number | null): string => (bytes === null ? 'unknown' : `${(bytes / 2 ** 20).toFixed(0)} MiB`);
const spread = (values: number[]): string => {
  const sorted = [...values].sort((a, b) => a - b);
  return `${ms(sorted[Math.floor(sorted.length / 2)]!)} (${ms(sorted[0]!)} to ${ms(sorted.at(-1)!)})`;
};

function frameRow(what: string, { count, medianMs, p99Ms, longestMs, janks, ownJanks, longestTaskMs }: Frames): string {
  return (
    `| ${what} | ${count} | ${ms(medianMs)} | ${ms(p99Ms)} | ${ms(longestMs)} | ${janks} | ${ownJanks} | ` +
    `${longestTaskMs === 0 ? 'none over 50 ms' : ms(longestTaskMs)} |`
  );
}

function measuredOn(
  { date, commit, changed, cpu, cores, system, node, loadAtStart }: Circumstances,
  browser: string,
): string {
  return (
    `${date.slice(0, 16).replace('T', ' ')} UTC, commit ${commit}${changed ? ' (with changes)' : ''}, ${cpu}, ` +
    `${cores} cores, ${system}, Node ${node}, ${browser} headless on its software renderer, load ` +
    `${loadAtStart.toFixed(1)} at the start.`
  );
}

/** The table of a million rows. */
export function millionTable(figures: MillionFigures, circumstances: Circumstances, browser: string): string {
  const { rows, fileBytes, acts, hostBytes } = figures;
  return [
    measuredOn(circumstances, browser),
    '',
    `| ${rows.toLocaleString('en-US')} rows, ${mib(fileBytes)} | took | longest frame | over 50 ms | of these the ` +
      "page's own | longest task |",
    '|---|---|---|---|---|---|',
    ...acts.map(({ what, ms: took, frames }) => {
      const { longestMs, janks, ownJanks, longestTaskMs } = frames;
      const task = longestTaskMs === 0 ? 'none over 50 ms' : ms(longestTaskMs);
      return `| ${what} | ${(took / 1000).toFixed(1)} s | ${ms(longestMs)} | ${janks} | ${ownJanks} | ${task} |`;
    }),
    '',
    `The host process has ${mib(hostBytes)} in memory afterwards.`,
  ].join('\n');
}

export function tables(
  { empty, paint, stream, rows, hour }: Figures,
  circumstances: Circumstances,
  browser: string,
): string {
  const n = (value: number): string => value.toLocaleString('en-US');
  return [
    measuredOn(circumstances, browser),
    '',
    `| first paint (${paint.usefulMs.length} fresh starts) | median (least to most) |`,
    '|---|---|',
    `| host process started until it answers | ${spread(paint.hostStartMs)} |`,
    `| first contentful paint after navigation | ${spread(paint.firstPaintMs)} |`,
    `| Home with its content and buttons | ${spread(paint.usefulMs)} |`,
    '',
    "| frames | seen | median | 99th percentile | longest | over 50 ms | of these the page's own | longest task |",
    '|---|---|---|---|---|---|---|---|',
    frameRow('an empty page for a minute, while a run goes on', empty),
    frameRow(`${n(stream.points)} points streaming into the open run`, stream.frames),
    frameRow(`the same run after a reload (whole in ${ms(stream.reloadMs)})`, stream.reloadFrames),
    frameRow(`wheel over ${n(rows.rows)} rows (first rows after ${ms(rows.openMs)})`, rows.wheel),
    frameRow(`jumps across ${n(rows.rows)} rows`, rows.jumps),
    frameRow(`an hour of metrics (${n(hour.steps)} steps), told faster`, hour.frames),
    '',
    '| memory in that hour | page, living objects | host process |',
    '|---|---|---|',
    ...hour.samples.map(
      ({ step, heapBytes, hostBytes }) => `| after ${n(step)} steps | ${mib(heapBytes)} | ${mib(hostBytes)} |`,
    ),
  ].join('\n');
}

const END = '<!-- end of figures -->';

/** The page with the figures of a command replaced. Throws when the marks are missing. */
export function withFigures(page: string, figures: string, command = 'npm run bench:ui -- --write'): string {
  const mark = `<!-- figures: ${command} -->`;
  const begin = page.indexOf(mark);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < begin) throw new Error(`docs/performance-ui.md needs the lines "${mark}" and "${END}".`);
  return `${page.slice(0, begin)}${mark}\n\n${figures}\n\n${page.slice(end)}`;
}
