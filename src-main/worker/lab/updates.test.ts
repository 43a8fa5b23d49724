/** Updates of the methods without factors, as merging makes them, against their formulas multiplied out by NumPy. */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { attachTrained, settingsOf, writeFamily } from '../../../test-support/cases/methodCases.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { LAB_REFERENCE, withoutNumpy } from '../../../test-support/reference/labReference.ts';
import { useBackend } from '../backend.ts';
import { labSpectrum } from './understand.ts';

beforeAll(async () => void (await useBackend('wasm')));

/** W' is rounded to float32, so dW is known to some 1e-7 of W, whose norm is about 10 here. */
const ROUNDED = { rtol: 1e-5, atol: 3e-6 };

async function expectNumpysValues(modelDir: string, adapterDir: string): Promise<void> {
  const { matrices } = await labSpectrum({ engine: 'wasm', modelDir, adapterDir }, () => undefined);
  const output = execFileSync('python3', [LAB_REFERENCE, '--updates', modelDir, adapterDir], { encoding: 'utf8' });
  const wanted = JSON.parse(output) as Record<string, { singularValues: number[] }>;
  expect(matrices.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
  for (const { name, singularValues } of matrices) {
    expect(singularValues[0], name).toBeGreaterThan(1e-3);
    expectClose(singularValues, wanted[name]!.singularValues, ROUNDED, name);
  }
}

describe.skipIf(skipNote('golden') + withoutNumpy() !== '')(`as PEFT trained them${skipNote('golden')}`, () => {
  it.each(['llama/dora', 'gpt2/dora', 'llama/ia3', 'gpt2/ia3', 'llama/miss', 'llama/miss_r6', 'llama/miss_bat'])(
    '%s',
    async (run) =>
      expectNumpysValues(sharedPath(`golden/${run.split('/')[0]}/base`), sharedPath(`golden/${run}/final`)),
  );
});

describe.skipIf(withoutNumpy() !== '')(`with random values${withoutNumpy()}`, () => {
  it.each(['loha', 'lokr', 'lokr, factor'])('%s', async (name) => {
    const modelDir = await writeFamily('llama');
    const { base, model, method, outDir } = await attachTrained(modelDir, settingsOf('llama', name));
    await method.save(outDir);
    model.dispose();
    base.close();
    await expectNumpysValues(modelDir, outDir);
  });
});
