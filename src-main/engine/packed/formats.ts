/**
 * The forms in which a frozen weight can be kept, and where each part lies in a packed matrix. A matrix (R, C) is one
 * run of 32-bit words: its values row by row, then what turns them back into numbers. A row is filled with zeros to a
 * multiple of four values, so that four neighbours (a quad) always lie together.
 */
import { BASE_DTYPES, type BaseDtype } from '../../../src-shared/baseDtypes.ts';

export type PackedFormat = Exclude<BaseDtype, 'f32'>;
export const PACKED_FORMATS = BASE_DTYPES.filter((dtype) => dtype !== 'f32');

/** Values of a row that share one absolute maximum in NF4. */
export const NF4_BLOCK = 64;
/** Blocks whose maxima share one scale: double quantisation. */
export const NF4_GROUP = 256;

export interface PackedLayout {
  /** Quads per row. */
  quads: number;
  /** NF4: blocks per row. */
  blocks: number;
  /** NF4: first word of the maxima, one byte each. */
  maximaAt: number;
  /** First word of the float32 scales. int8: one per row. NF4: the mean of the maxima, then one per group. */
  scalesAt: number;
  /** Words in all. */
  words: number;
}

export function packedLayout(format: PackedFormat, R: number, C: number): PackedLayout {
  const quads = Math.ceil(C / 4);
  const blocks = Math.ceil(C / NF4_BLOCK);
  switch (format) {
    case 'f16':
    case 'bf16':
      return { quads, blocks, maximaAt: 2 * R * quads, scalesAt: 2 * R * quads, words: 2 * R * quads };
    case 'int8':
      return { quads, blocks, maximaAt: R * quads, scalesAt: R * quads, words: R * (quads + 1) };
    case 'nf4': {
      const maximaAt = Math.ceil((R * quads) / 2);
      const scalesAt = maximaAt + Math.ceil((R * blocks) / 4);
      return { quads, blocks, maximaAt, scalesAt, words: scalesAt + 1 + Math.ceil((R * blocks) / NF4_GROUP) };
    }
    default:
      return format satisfies never;
  }
}
