/** A chart as a PNG: title, legend and the drawing on the theme's background. */
import type { ChartLine } from './line.ts';
import type { Plot } from './plot.ts';
import { tokenColour } from './tokens.ts';

const MARGIN_PX = 16;
const LINE_PX = 20;

/** Throws where the browser cannot make a picture of the canvas. */
export async function chartPng(plot: Plot, title: string, lines: readonly ChartLine[]): Promise<Blob> {
  const drawing = plot.uplot.ctx.canvas;
  const scale = drawing.width / plot.uplot.width;
  const canvas = document.createElement('canvas');
  canvas.width = drawing.width + 2 * MARGIN_PX * scale;
  canvas.height = drawing.height + (2 * MARGIN_PX + 2 * LINE_PX) * scale;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw a picture; save the CSV instead.');
  context.fillStyle = tokenColour('--surface');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.textBaseline = 'middle';
  context.font = "600 15px 'Inter Variable', system-ui, sans-serif";
  context.fillStyle = tokenColour('--text');
  context.fillText(title, MARGIN_PX, MARGIN_PX + LINE_PX / 2);
  drawLegend(context, lines);
  context.drawImage(drawing, MARGIN_PX, MARGIN_PX + 2 * LINE_PX, plot.uplot.width, drawing.height / scale);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) =>
        blob ? resolve(blob) : reject(new Error('The picture is too large for this browser; make the window smaller.')),
      'image/png',
    ),
  );
}

function drawLegend(context: CanvasRenderingContext2D, lines: readonly ChartLine[]): void {
  const y = MARGIN_PX + LINE_PX * 1.5;
  let x = MARGIN_PX;
  context.font = "12px 'Inter Variable', system-ui, sans-serif";
  for (const line of lines) {
    context.fillStyle = tokenColour(line.colour);
    context.fillRect(x, y - 1, 14, line.look === 'raw' ? 1 : 2);
    context.fillStyle = tokenColour('--text-muted');
    context.fillText(line.label, x + 20, y);
    x += 20 + context.measureText(line.label).width + 18;
  }
}
