/**
 * The colours of heat maps: a helix through OKLab (Ottosson 2020), lightness and hue in equal steps at one chroma, so
 * that equal differences of a value look equally large, and a grey picture keeps their order. High values stand out
 * from the background: dark on light, light on dark.
 */

export const LEVELS = 64;
const CHROMA = 0.09;

interface Ends {
  lightness: [low: number, high: number];
  /** Degrees. */
  hue: [low: number, high: number];
}

const ENDS: Record<'light' | 'dark', Ends> = {
  light: { lightness: [0.955, 0.33], hue: [105, 275] },
  dark: { lightness: [0.3, 0.93], hue: [275, 105] },
};

/** `#rrggbb` from low to high. */
export const RAMPS: Record<'light' | 'dark', readonly string[]> = { light: ramp('light'), dark: ramp('dark') };

/** Index into a ramp; all the same where low and high are. */
export function levelOf(value: number, [low, high]: readonly [number, number]): number {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return Math.min(LEVELS - 1, Math.max(0, Math.floor(share * LEVELS)));
}

/** Black or white, whichever reads better on the colour (WCAG's contrast); one of them always has 4.5 : 1. */
export function inkOn(hex: string): '#000000' | '#ffffff' {
  const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
  const luminance = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? '#000000' : '#ffffff';
}

function ramp(theme: 'light' | 'dark'): string[] {
  const { lightness, hue } = ENDS[theme];
  return Array.from({ length: LEVELS }, (_, i) => {
    const share = i / (LEVELS - 1);
    return hexOf(between(lightness, share), CHROMA, (between(hue, share) * Math.PI) / 180);
  });
}

function between([from, to]: [number, number], share: number): number {
  return from + share * (to - from);
}

/** OKLCH to sRGB by Ottosson's matrices. */
function hexOf(L: number, C: number, hue: number): string {
  const [a, b] = [C * Math.cos(hue), C * Math.sin(hue)];
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const byte = (value: number): string =>
    Math.round(255 * gamma(Math.min(1, Math.max(0, value))))
      .toString(16)
      .padStart(2, '0');
  return `#${rgb.map(byte).join('')}`;
}

function gamma(value: number): number {
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}

function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
