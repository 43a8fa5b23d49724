/** The smallest rank that is enough by the size of the model, as an SVG picture for papers and pages. */

export interface SizePoint {
  name: string;
  parameters: number;
  rank: number;
}

const [WIDTH, HEIGHT] = [640, 400];
const BOX = { left: 64, right: 24, top: 40, bottom: 56 };

/** Both axes are logarithmic. */
export function sizesFigure(points: SizePoint[], title: string): string {
  const sorted = [...points].sort((a, b) => a.parameters - b.parameters);
  const x = scale(
    sorted.map(({ parameters }) => parameters),
    BOX.left + 30,
    WIDTH - BOX.right - 40,
  );
  const most = Math.max(1, ...sorted.map(({ rank }) => Math.ceil(Math.log2(rank))));
  const y = (rank: number): number => HEIGHT - BOX.bottom - (Math.log2(rank) / most) * (HEIGHT - BOX.top - BOX.bottom);
  const ticks = Array.from({ length: most + 1 }, (_, i) => 2 ** i);
  const line = sorted.map(({ parameters, rank }) => `${at(x(parameters))},${at(y(rank))}`).join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${BOX.left}" y="24" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...ticks.flatMap((rank) => [
      `<line x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${at(y(rank))}" y2="${at(y(rank))}" stroke="#dddddd"/>`,
      `<text x="${BOX.left - 8}" y="${at(y(rank) + 4)}" text-anchor="end">${rank}</text>`,
    ]),
    `<polyline points="${line}" fill="none" stroke="#17694a" stroke-width="2"/>`,
    ...sorted.flatMap(({ name, parameters, rank }) => [
      `<circle cx="${at(x(parameters))}" cy="${at(y(rank))}" r="5" fill="#17694a"><title>` +
        `${escaped(`${name}: r = ${rank}, ${parameters} parameters`)}</title></circle>`,
      `<text x="${at(x(parameters))}" y="${HEIGHT - BOX.bottom + 20}" text-anchor="middle">` +
        `${short(parameters)}</text>`,
    ]),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">Parameters of the model</text>`,
    `<text transform="translate(18 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">Smallest rank enough</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** Logarithmic; a single value lies in the middle. */
function scale(values: number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  return (value) => (high === low ? (from + to) / 2 : from + ((Math.log(value) - low) / (high - low)) * (to - from));
}

const at = (value: number): string => value.toFixed(1);

function short(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toPrecision(3)}B`;
  return parameters >= 1e6 ? `${(parameters / 1e6).toPrecision(3)}M` : `${Math.round(parameters / 1e3)}K`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
