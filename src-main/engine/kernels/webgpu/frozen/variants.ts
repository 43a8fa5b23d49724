/** The ways to compute a product with a frozen weight, by name, and which of them a device and a shape allow. */
import type { BaseDtype } from '../../../../../src-shared/baseDtypes.ts';
import { DEPTH } from './tiles.ts';
import { matrixBytes, type MatrixConfig } from './matrix.ts';

/** Workgroups of square tiles of x and W; `-f16` keeps the tile of W as float16. */
export const TILE_VARIANTS = {
  tiles32: { lanes: 8, perLane: 4, half: false },
  tiles64: { lanes: 16, perLane: 4, half: false },
  tiles128: { lanes: 16, perLane: 8, half: false },
  'tiles32-f16': { lanes: 8, perLane: 4, half: true },
  'tiles64-f16': { lanes: 16, perLane: 4, half: true },
  'tiles128-f16': { lanes: 16, perLane: 8, half: true },
} as const;
type TileVariant = keyof typeof TILE_VARIANTS;
export type Variant = TileVariant | 'rows' | 'rows-subgroups' | 'matrix';

/** Most rows of x that the `rows` variants take. */
export const MOST_ROWS = 4;

/** A product, and all that its speed depends on. */
export interface ProductClass {
  format: BaseDtype;
  /** x·W^T rather than x·W. */
  transposed: boolean;
  N: number;
  R: number;
  C: number;
}

export interface DeviceTraits {
  f16: boolean;
  subgroups: boolean;
  workgroupBytes: number;
  /** Null: no cooperative matrices that these kernels can use. */
  matrix: MatrixConfig | null;
}

/** Variants that can run, the one to take without measurements first. */
export type Candidates = [Variant, ...Variant[]];

export function candidates({ format, transposed, N, R, C }: ProductClass, device: DeviceTraits): Candidates {
  const width = transposed ? R : C;
  const few = N <= MOST_ROWS;
  const tiles = (Object.keys(TILE_VARIANTS) as TileVariant[]).filter((name) => {
    const { lanes, perLane, half } = TILE_VARIANTS[name];
    if (few && lanes * perLane > 32) return false; // nearly all of a larger tile would be empty
    return tileBytes(lanes * perLane, half) <= device.workgroupBytes && (!half || (device.f16 && format !== 'f32'));
  });
  const groups = Math.ceil(N / 64) * Math.ceil(width / 64);
  const first: TileVariant = groups >= 32 ? 'tiles64' : 'tiles32'; // small products need more workgroups
  const ordered: Candidates = [first, ...tiles.filter((name) => name !== first)];
  if (few) return [...rowVariants(transposed, device), ...ordered.filter((name) => name !== 'tiles64')];
  return device.matrix && device.workgroupBytes >= matrixBytes(device.matrix) ? [...ordered, 'matrix'] : ordered;
}

/** Only x·W^T sums along lanes; x·W sums down columns, each lane for itself. */
function rowVariants(transposed: boolean, { subgroups }: DeviceTraits): Candidates {
  return subgroups && transposed ? ['rows-subgroups', 'rows'] : ['rows'];
}

/** Workgroup memory of two tiles, float32 for x. */
function tileBytes(size: number, half: boolean): number {
  return size * (DEPTH + 4) * (half ? 6 : 8);
}
