/** Which variants a device and a shape allow. */
import { expect, it } from 'vitest';
import { matrixConfig } from './matrix.ts';
import { candidates, type DeviceTraits, type ProductClass } from './variants.ts';

const PLAIN: DeviceTraits = { f16: false, subgroups: false, workgroupBytes: 32768, matrix: null };
const MATRIX = { component: 'f16', M: 16, N: 16, K: 16, subgroupSize: 32 } as const;
const RICH: DeviceTraits = { f16: true, subgroups: true, workgroupBytes: 32768, matrix: MATRIX };
const BATCH: ProductClass = { format: 'nf4', transposed: true, N: 512, R: 768, C: 768 };

it('takes only what the device has', () => {
  expect(candidates(BATCH, PLAIN)).toEqual(['tiles64', 'tiles32', 'tiles128']);
  expect(candidates(BATCH, RICH)).toEqual([
    'tiles64',
    'tiles32',
    'tiles128',
    'tiles32-f16',
    'tiles64-f16',
    'tiles128-f16',
    'matrix',
  ]);
  expect(candidates(BATCH, { ...RICH, workgroupBytes: 16384 })).toEqual([
    'tiles64',
    'tiles32',
    'tiles32-f16',
    'tiles64-f16',
    'tiles128-f16',
  ]);
});

it('never rounds float32 weights', () => {
  expect(candidates({ ...BATCH, format: 'f32' }, { ...RICH, matrix: null })).toEqual([
    'tiles64',
    'tiles32',
    'tiles128',
  ]);
});

it('starts with rows for a few rows, by subgroups where sums run along lanes', () => {
  expect(candidates({ ...BATCH, N: 1 }, RICH)).toEqual(['rows-subgroups', 'rows', 'tiles32', 'tiles32-f16']);
  expect(candidates({ ...BATCH, N: 4, transposed: false }, RICH)[0]).toBe('rows');
  expect(candidates({ ...BATCH, N: 5 }, RICH)).not.toContain('rows');
});

it('starts small products with small tiles', () =>
  expect(candidates({ ...BATCH, N: 64, R: 64 }, PLAIN)[0]).toBe('tiles32'));

const config = (componentType: string, resultComponentType: string, M: number, N: number, K: number) => ({
  componentType,
  resultComponentType,
  M,
  N,
  K,
});

it(
  'prefers matrices of float16 summed in float32, and takes none of another sum or with subgroups of several ' +
    'sizes',
  () => {
    const subgroupMatrixConfigs = [
      config('f16', 'f16', 16, 16, 16),
      config('f32', 'f32', 8, 8, 8),
      config('f16', 'f32', 16, 8, 16),
    ];
    expect(matrixConfig({ subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs })).toEqual({
      component: 'f16',
      M: 16,
      N: 8,
      K: 16,
      subgroupSize: 32,
    });
    expect(
      matrixConfig({
        subgroupMinSize: 32,
        subgroupMaxSize: 32,
        subgroupMatrixConfigs: subgroupMatrixConfigs.slice(0, 2),
      }),
    ).toMatchObject({ component: 'f32', M: 8 });
    expect(
      matrixConfig({
        subgroupMinSize: 32,
        subgroupMaxSize: 32,
        subgroupMatrixConfigs: subgroupMatrixConfigs.slice(0, 1),
      }),
    ).toBeNull();
    expect(matrixConfig({ subgroupMinSize: 16, subgroupMaxSize: 32, subgroupMatrixConfigs })).toBeNull();
  },
);
