/**
 * The text for subgroup matrices, checked by Dawn's compiler on its null backend, which offers the feature and runs
 * nothing. What it computes is shown in frozenMatrixEmulated.test.ts; no device at hand has such matrices.
 */
import { createRequire } from 'node:module';
import { afterAll, expect, it } from 'vitest';
import { BASE_DTYPES } from '../../../../../src-shared/baseDtypes.ts';
import { matrixBytes, matrixProgram, type MatrixConfig } from './matrix.ts';
import { shaderText } from '../program.ts';

interface NullDevice {
  pushErrorScope(filter: 'validation'): void;
  popErrorScope(): Promise<{ message: string } | null>;
  createShaderModule(descriptor: { code: string }): object;
  destroy(): void;
}

const dawn = createRequire(import.meta.url)('webgpu') as {
  globals: object;
  create(options: string[]): { requestAdapter(): Promise<{ requestDevice(d: object): Promise<NullDevice> }> };
};
Object.assign(globalThis, dawn.globals); // Dawn makes its errors with these
/** Dawn ends with this object, so it must outlive the tests. */
const kept = { gpu: dawn.create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']) };
Object.assign(globalThis, { kept });
const adapter = await kept.gpu.requestAdapter();
const device = await adapter.requestDevice({
  requiredFeatures: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'],
});
afterAll(() => device.destroy());

async function errorOf(code: string): Promise<string | undefined> {
  device.pushErrorScope('validation');
  device.createShaderModule({ code });
  return (await device.popErrorScope())?.message;
}

/** As NVIDIA, Intel and Apple cards have them; M, N and K differ so that none can stand for another. */
const CONFIGS: MatrixConfig[] = [
  { component: 'f16', M: 16, N: 8, K: 16, subgroupSize: 32 },
  { component: 'f16', M: 8, N: 16, K: 32, subgroupSize: 16 },
  { component: 'f32', M: 8, N: 8, K: 8, subgroupSize: 32 },
];

it.each(CONFIGS)('is valid WGSL for $component $M x $N x $K', async (config) => {
  for (const format of BASE_DTYPES) {
    for (const transposed of [true, false]) {
      const text = shaderText(
        matrixProgram(
          'matrix',
          { format, transposed, vectorX: transposed, vectorW: !transposed, bias: transposed },
          config,
        ),
      );
      expect(await errorOf(text)).toBeUndefined();
    }
  }
  expect(matrixBytes(config)).toBeLessThanOrEqual(32768);
});

it('would be told of a matrix of the wrong shape', async () => {
  const text = shaderText(
    matrixProgram(
      'matrix',
      { format: 'f16', transposed: true, vectorX: true, vectorW: true, bias: false },
      CONFIGS[0]!,
    ),
  );
  expect(await errorOf(text.replace('subgroup_matrix_left<f16, 16, 16>', 'subgroup_matrix_left<f16, 8, 16>'))).toMatch(
    /subgroupMatrixMultiplyAccumulate/,
  );
});
