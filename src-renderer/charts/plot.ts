/**
 * One uPlot in the page. It draws at most five times a second, and only where it can be seen: every drawing thins the
 * lines out to what the width can show, so that a hundred thousand points cost little more than a thousand.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { drawn, type Range } from './drawn.ts';
import { drawNever, drawSoon } from './drawQueue.ts';
import type { ChartLine } from './line.ts';
import { chartOptions } from './options.ts';
import { tokenColour } from './tokens.ts';
import type { XAxis } from './xAxis.ts';

export interface PlotEvents {
  /** The pointer is at this place of the x axis; undefined when it has left. */
  onCursor: (step: number | undefined) => void;
  /** A span was dragged. */
  onZoom: (range: Range) => void;
  /** A click, in steps a pixel and the value at the pointer. */
  onClick: (at: { step: number; stepsPerPixel: number; value: number; valuesPerPixel: number }) => void;
  onReset: () => void;
}

export interface PlotShape {
  height: number;
  textScale: number;
  log: boolean;
  axis: XAxis;
  /** What the y axis measures. */
  title: string;
  format: (value: number) => string;
}

const LEAST_PAUSE_MS = 200;

export class Plot {
  readonly uplot: uPlot;
  #lines: readonly ChartLine[];
  #range: Range;
  #log: boolean;
  #colours = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnAt = -Infinity;
  #visible = true;
  #stale = false;

  /** `first`: there is no older plot to replace, so its lines may follow one frame after its axes. */
  constructor(
    parent: HTMLElement,
    lines: readonly ChartLine[],
    range: Range,
    { first, ...shape }: PlotShape & { first: boolean },
    events: PlotEvents,
  ) {
    this.#lines = lines;
    this.#range = range;
    this.#log = shape.log;
    const look = {
      ...shape,
      width: Math.max(parent.clientWidth, 100),
      range: () => this.#range,
      colour: (token: string) => this.#colour(token),
    };
    const options = chartOptions(lines, look);
    options.hooks = {
      setCursor: [
        (plot) => events.onCursor((plot.cursor.left ?? -1) < 0 ? undefined : plot.posToVal(plot.cursor.left ?? 0, 'x')),
      ],
      setSelect: [(plot) => this.#zoom(plot, events)],
    };
    this.uplot = new uPlot(options, first ? [[], ...lines.map(() => [])] : this.#data(look.width), parent);
    if (first) this.#schedule();
    this.#listen(events);
  }

  /** Draws these lines soon. */
  show(lines: readonly ChartLine[], range: Range): void {
    this.#lines = lines;
    this.#range = range;
    this.#schedule();
  }

  /** A plot out of sight is drawn once it scrolls into sight. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (visible && this.#stale) this.#schedule();
  }

  resize(width: number, height: number): void {
    if (width < 1 || (this.uplot.width === width && this.uplot.height === height)) return;
    this.uplot.setSize({ width, height });
    this.#schedule();
  }

  /** The theme has changed. */
  recolour(): void {
    this.#colours.clear();
    this.#schedule();
  }

  /** Moves the upright line, without an event. */
  pointAt(step: number | undefined): void {
    const left = step === undefined ? -10 : this.uplot.valToPos(step, 'x');
    this.uplot.setCursor({ left, top: step === undefined ? -10 : 0 }, false);
  }

  destroy(): void {
    drawNever(this.#draw);
    clearTimeout(this.#timer);
    this.uplot.destroy();
  }

  #schedule(): void {
    this.#stale = true;
    if (this.#timer !== undefined || !this.#visible) return;
    const wait = Math.max(0, this.#drawnAt + LEAST_PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => drawSoon(this.#draw), wait);
  }

  readonly #draw = (): void => {
    this.#timer = undefined;
    this.#stale = false;
    // Lines that came or went make a new plot, which is on its way; this one has a series for each of before.
    if (this.#lines.length !== this.uplot.series.length - 1) return;
    this.#drawnAt = performance.now();
    this.uplot.setData(this.#data(this.uplot.width));
  };

  #data(width: number): uPlot.AlignedData {
    return drawn(this.#lines, this.#range, width, this.#log) as uPlot.AlignedData;
  }

  #zoom(plot: uPlot, events: PlotEvents): void {
    const { left, width } = plot.select;
    if (width < 3) return;
    events.onZoom({ min: plot.posToVal(left, 'x'), max: plot.posToVal(left + width, 'x') });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #listen(events: PlotEvents): void {
    const { over } = this.uplot;
    let downAt = 0;
    over.addEventListener('mousedown', (event) => (downAt = event.clientX));
    over.addEventListener('dblclick', () => events.onReset());
    over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - downAt) > 2) return;
      const { left, top } = over.getBoundingClientRect();
      const [x, y] = [event.clientX - left, event.clientY - top];
      const at = (px: number, scale: string) => this.uplot.posToVal(px, scale);
      events.onClick({
        step: at(x, 'x'),
        stepsPerPixel: at(x + 1, 'x') - at(x, 'x'),
        value: at(y, 'y'),
        valuesPerPixel: Math.abs(at(y + 1, 'y') - at(y, 'y')),
      });
    });
  }

  #colour(token: string): string {
    const known = this.#colours.get(token);
    if (known !== undefined) return known;
    const colour = tokenColour(token);
    this.#colours.set(token, colour);
    return colour;
  }
}
