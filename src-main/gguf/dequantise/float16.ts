/// <reference lib="esnext.float16" />

const word = new Uint16Array(1);
const half = new Float16Array(word.buffer);

/** The little-endian float16 at byte `at`. */
export function float16At(bytes: Uint8Array, at: number): number {
  word[0] = bytes[at]! | (bytes[at + 1]! << 8);
  return half[0]!;
}
