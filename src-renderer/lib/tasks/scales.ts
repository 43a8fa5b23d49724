/** Adapters that are merged with factors, as an address carries them. */

/** Adapters with factors as the address carries them: `a:1,b:-0.5`. */
export function scalesText(parts: readonly { id: string; scale: number }[]): string {
  return parts.map(({ id, scale }) => `${id}:${scale}`).join(',');
}

/** What scalesText wrote; a part without a factor counts as it is. */
export function parseScales(text: string): { id: string; scale: number }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [id = '', scale = ''] = part.split(':');
      return { id, scale: Number(scale) || 1 };
    });
}
