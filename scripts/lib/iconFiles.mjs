/** Icon containers around PNG images: Windows' ICO and macOS' ICNS. */

/**
 * @param {{ size: number, png: Buffer }[]} images square, at most 256 pixels
 * @returns {Buffer}
 */
export function icoFile(images) {
  const header = Buffer.alloc(6 + 16 * images.length);
  header.writeUInt16LE(1, 2); // an icon, not a cursor
  header.writeUInt16LE(images.length, 4);
  let offset = header.length;
  images.forEach(({ size, png }, i) => {
    const at = 6 + 16 * i;
    header.writeUInt8(size % 256, at); // 0 means 256
    header.writeUInt8(size % 256, at + 1);
    header.writeUInt16LE(1, at + 4); // colour planes
    header.writeUInt16LE(32, at + 6); // bits per pixel
    header.writeUInt32LE(png.length, at + 8);
    header.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([header, ...images.map(({ png }) => png)]);
}

/** Types of ICNS by the pixels of their image. */
export const ICNS_TYPES = {
  32: ['ic11'],
  64: ['ic12'],
  128: ['ic07'],
  256: ['ic08', 'ic13'],
  512: ['ic09', 'ic14'],
  1024: ['ic10'],
};

/**
 * @param {{ size: number, png: Buffer }[]} images of the sizes in ICNS_TYPES
 * @returns {Buffer}
 */
export function icnsFile(images) {
  const bySize = new Map(images.map(({ size, png }) => [size, png]));
  const blocks = Object.entries(ICNS_TYPES).flatMap(([size, types]) =>
    types.map((type) => block(type, /** @type {Buffer} */ (bySize.get(Number(size))))),
  );
  return block('icns', Buffer.concat(blocks));
}

/** @param {string} type @param {Buffer} content */
function block(type, content) {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(head.length + content.length, 4);
  return Buffer.concat([head, content]);
}
