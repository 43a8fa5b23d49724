/**
 * Which type each tensor gets: as llama-quantize chooses (src/llama-quant.cpp) from a file whose norms, biases and
 * positions are float32, as the converter leaves them.
 */
import type { Quantisation } from '../../../src-shared/exports.ts';
import { fitsBlocks, GGML_TYPES, type GgmlTypeName } from '../ggmlTypes.ts';

/** `enum llama_ftype`, the value of general.file_type. */
export const FILE_TYPES: Record<Quantisation, number> = {
  F32: 0,
  F16: 1,
  BF16: 32,
  Q8_0: 7,
  Q4_0: 2,
  Q4_K_M: 15,
  Q5_K_M: 17,
  Q6_K: 18,
};

const MAIN_TYPES: Record<Quantisation, GgmlTypeName> = {
  F32: 'F32',
  F16: 'F16',
  BF16: 'BF16',
  Q8_0: 'Q8_0',
  Q4_0: 'Q4_0',
  Q4_K_M: 'Q4_K',
  Q5_K_M: 'Q5_K',
  Q6_K: 'Q6_K',
};

/** What the choice depends on beside names and widths. */
export interface TypeChoice {
  quantise: Quantisation;
  layers: number;
  tiedHead: boolean;
  /** llama.cpp gives the values of its 70B models more bits. */
  is70b: boolean;
  /** Without ggml the K-quants cannot be made. */
  hasGgml: boolean;
}

export interface PlannedType {
  type: GgmlTypeName;
  /** Why it is not the type that the quantisation means for it; a clause. */
  fallback?: string;
}

export function plannedType(name: string, dims: readonly number[], choice: TypeChoice): PlannedType {
  if (!isQuantised(name, dims)) return { type: 'F32' };
  const main = MAIN_TYPES[choice.quantise];
  if (main === 'F32' || main === 'F16' || main === 'BF16') return { type: main };
  return fitted(mixedType(name, dims, main, choice), dims, choice);
}

/** Matrices, but for norms and learned positions. */
function isQuantised(name: string, dims: readonly number[]): boolean {
  return (
    dims.length >= 2 && name.endsWith('.weight') && !name.endsWith('_norm.weight') && name !== 'position_embd.weight'
  );
}

/** The mixtures called M give the head, the values and some of the last MLP matrices more bits. */
function mixedType(name: string, [width = 1]: readonly number[], main: GgmlTypeName, choice: TypeChoice): GgmlTypeName {
  const { quantise, layers, tiedHead, is70b } = choice;
  if (name === 'output.weight' || (tiedHead && name === 'token_embd.weight')) {
    if (!fitsBlocks(main, width)) return 'Q8_0';
    return main === 'Q8_0' ? main : 'Q6_K';
  }
  const [, layer = '0', part = ''] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  const mixed = quantise === 'Q4_K_M' || quantise === 'Q5_K_M';
  const more = mixed && usesMoreBits(Number(layer), layers);
  if (part === 'attn_v' || part === 'attn_qkv') {
    if (more) return 'Q6_K';
    return is70b && main === 'Q4_K' ? 'Q5_K' : main;
  }
  return part === 'ffn_down' && more ? 'Q6_K' : main;
}

function usesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

const NARROW: Partial<Record<GgmlTypeName, GgmlTypeName>> = { Q4_K: 'Q5_0', Q5_K: 'Q5_1', Q6_K: 'Q8_0' };

/** For rows that are no whole number of blocks. llama-quantize refuses some that are no multiple of 32; here F16. */
function fitted(type: GgmlTypeName, [width = 1]: readonly number[], { hasGgml }: TypeChoice): PlannedType {
  if (!fitsBlocks(type, width)) {
    const narrow = NARROW[type];
    const found = narrow && fitsBlocks(narrow, width) ? narrow : 'F16';
    return { type: found, fallback: noBlocks(type, width) };
  }
  if (type === 'Q6_K' && !hasGgml) return { type: 'Q8_0', fallback: 'only llama.cpp’s own library makes Q6_K' };
  return { type };
}

function noBlocks(type: GgmlTypeName, width: number): string {
  return `rows of ${width} values are no multiple of ${type}’s block of ${GGML_TYPES[type].blockSize}`;
}
