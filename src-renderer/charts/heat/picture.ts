/** A heat map as a file: SVG text, or a PNG drawn from the same scene. */
import { inkOn, RAMPS } from './colours.ts';
import type { HeatMapData } from './heatMap.ts';
import { heatScene, type HeatScene } from './scene.ts';

export interface PictureColours {
  theme: 'light' | 'dark';
  background: string;
  text: string;
  line: string;
}

const FONT = "'Inter Variable', Inter, system-ui, sans-serif";
const TITLE = 30;
const MARGIN = 12;
/** Pixels of a PNG per pixel of the scene. */
const SHARPNESS = 2;

export function heatSvg(map: HeatMapData, numbers: boolean, colours: PictureColours): string {
  const scene = heatScene(map, numbers);
  const ramp = RAMPS[colours.theme];
  const [width, height] = sizeOf(scene);
  const shapes = [
    ...scene.cells.map(({ level, path }) => `<path fill="${ramp[level]}" d="${path}"/>`),
    ...(scene.absent ? [`<path fill="none" stroke="${colours.line}" d="${scene.absent}"/>`] : []),
    ...scene.legend.map(
      ({ level, x, y, width: w, height: h }) =>
        `<rect fill="${ramp[level]}" x="${x}" y="${y}" width="${w}" height="${h}"/>`,
    ),
    ...scene.texts.map(({ x, y, text, anchor, on }) => {
      const where = `x="${x}" y="${y}" dy="0.35em" text-anchor="${anchor}"`;
      return `<text ${where} fill="${inkOf(on, colours)}">${escaped(text)}</text>`;
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ` font-family="${FONT}" font-size="11"><rect width="100%" height="100%" fill="${colours.background}"/>`,
    `<text x="${MARGIN}" y="${MARGIN + 8}" font-size="14" font-weight="600" fill="${colours.text}">`,
    `${escaped(map.title)}</text><g transform="translate(${MARGIN} ${TITLE})">`,
    `${shapes.join('')}</g></svg>\n`,
  ].join('');
}

/** Throws where the browser cannot make a picture of it. */
export async function heatPng(map: HeatMapData, numbers: boolean, colours: PictureColours): Promise<Blob> {
  const scene = heatScene(map, numbers);
  const [width, height] = sizeOf(scene);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width * SHARPNESS, height * SHARPNESS];
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw a picture; save the CSV instead.');
  context.scale(SHARPNESS, SHARPNESS);
  context.fillStyle = colours.background;
  context.fillRect(0, 0, width, height);
  context.textBaseline = 'middle';
  context.font = `600 14px ${FONT}`;
  context.fillStyle = colours.text;
  context.fillText(map.title, MARGIN, MARGIN + 4);
  context.translate(MARGIN, TITLE);
  draw(context, scene, colours);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large for this browser; save the SVG.'))),
      'image/png',
    ),
  );
}

function draw(context: CanvasRenderingContext2D, scene: HeatScene, colours: PictureColours): void {
  const ramp = RAMPS[colours.theme];
  for (const { level, path } of scene.cells) {
    context.fillStyle = ramp[level]!;
    context.fill(new Path2D(path));
  }
  context.strokeStyle = colours.line;
  context.stroke(new Path2D(scene.absent));
  for (const { level, x, y, width, height } of scene.legend) {
    context.fillStyle = ramp[level]!;
    context.fillRect(x, y, width, height);
  }
  context.font = `11px ${FONT}`;
  for (const { x, y, text, anchor, on } of scene.texts) {
    context.textAlign = anchor === 'middle' ? 'center' : anchor;
    context.fillStyle = inkOf(on, colours);
    context.fillText(text, x, y);
  }
}

function inkOf(on: HeatScene['texts'][number]['on'], { theme, text }: PictureColours): string {
  return typeof on === 'number' ? inkOn(RAMPS[theme][on]!) : text;
}

/** As wide as its title, roughly, and its drawing. */
function sizeOf({ width, height }: HeatScene): [width: number, height: number] {
  return [Math.ceil(width + 2 * MARGIN), Math.ceil(height + TITLE + MARGIN)];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
