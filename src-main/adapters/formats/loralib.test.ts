/** LoRAs as loralib writes them (../shared/formats), against its formula: a convolution of groups, by plain loops. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, values, writeTiny } from '../../../test-support/fixtures/folders.ts';
import { writeTorchFile } from '../../../test-support/fixtures/torchFile.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { mergeAdapter } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { readForeignLora, writeAsPeft } from './foreign.ts';

const have = hasShared('formats') && hasShared('golden');
const ALPHA = 32;

describe.skipIf(!have)(`a merged q and v layer of GPT-2${skipNote('formats')}`, () => {
  it.each(['plain.pt', 'model.8.pt'])('%s: merged, W + alpha/r of its convolution', async (name) => {
    const dir = temporaryFolder();
    const base = openBaseModel(sharedPath('golden/gpt2/base'));
    const foreign = readForeignLora(sharedPath(`formats/loralib/${name}`), { alpha: ALPHA })!;
    await writeAsPeft(foreign, base, path.join(dir, 'adapter'));
    await mergeAdapter({ base, adapter: readAdapter(path.join(dir, 'adapter')), outDir: path.join(dir, 'merged') });
    const merged = openBaseModel(path.join(dir, 'merged'));
    const pairs = openSafetensors(sharedPath('formats/loralib/expected.safetensors'));
    for (const layer of [0, 1]) {
      const weight = `transformer.h.${layer}.attn.c_attn.weight`;
      const [before, after] = [base.readF32(weight), merged.readF32(weight)];
      const [A, B] = ['A', 'B'].map((half) =>
        readTensorF32(pairs.tensors.get(`transformer.h.${layer}.attn.c_attn.lora_${half}`)!),
      ) as [Float32Array, Float32Array];
      const [C, r] = [64, 4];
      let worst = 0;
      for (let i = 0; i < C; i++)
        for (let o = 0; o < 3 * C; o++) {
          const group = o < C ? 0 : o < 2 * C ? undefined : 1; // q, k, v
          let added = 0;
          if (group !== undefined)
            for (let k = 0; k < r; k++) added += B[(group * C + (o % C)) * r + k]! * A[(group * r + k) * C + i]!;
          worst = Math.max(worst, Math.abs(after[i * 3 * C + o]! - (before[i * 3 * C + o]! + (ALPHA / r) * added)));
        }
      expect(worst).toBeLessThan(1e-6);
      expect(after).not.toEqual(before);
    }
    for (const file of [base, merged, pairs]) file.close();
  });

  it('asks for alpha, which the file does not hold', () => {
    expect(() => readForeignLora(sharedPath('formats/loralib/plain.pt'))).toThrowError(
      expect.objectContaining({
        code: 'LORALIB_ALPHA',
        message: expect.stringContaining('2 layers, lora_B of 4 columns') as string,
      }),
    );
  });
});

describe('files made here', () => {
  const tensor = (rows: number, columns: number) => ({ shape: [rows, columns], data: values(rows * columns, 3) });
  const q = 'model.layers.0.self_attn.q_proj';

  async function read(tensors: [string, ReturnType<typeof tensor>][]) {
    const dir = temporaryFolder();
    const file = path.join(dir, 'lora.pt');
    writeTorchFile(file, tensors);
    const base = openBaseModel(await writeTiny(path.join(dir, 'model')));
    try {
      return readForeignLora(file, { alpha: 6 })!.modulesOn(base);
    } finally {
      base.close();
    }
  }

  it('a plain layer, also in the state of a model in parallel', async () => {
    const [A, B] = [tensor(2, 8), tensor(8, 2)];
    for (const prefix of ['', 'module.']) {
      const modules = await read([
        [`${prefix}${q}.lora_A`, A],
        [`${prefix}${q}.lora_B`, B],
      ]);
      expect(modules.get(q)).toMatchObject({ A, B, scale: 3 });
    }
  });

  it.each<[string, [string, ReturnType<typeof tensor>][], string]>([
    ['one half', [[`${q}.lora_A`, tensor(2, 8)]], 'has only one half of'],
    [
      'another shape',
      [
        [`${q}.lora_A`, tensor(2, 9)],
        [`${q}.lora_B`, tensor(8, 2)],
      ],
      'fit neither',
    ],
    [
      'two groups on a layer of one part',
      [
        [`${q}.lora_A`, tensor(4, 8)],
        [`${q}.lora_B`, tensor(8, 2)],
      ],
      'fit neither',
    ],
    ['a whole model', [[`${q}.weight`, tensor(8, 8)]], 'which is no lora_A or lora_B'],
    ["PEFT's weights alone", [[`base_model.model.${q}.lora_A.weight`, tensor(2, 8)]], 'of a PEFT adapter'],
  ])('refuses %s', async (_, tensors, text) => {
    await expect(read(tensors)).rejects.toThrowError(text);
  });

  it('is told by its content, whatever its name', () => {
    const file = path.join(temporaryFolder(), 'weights');
    fs.writeFileSync(file, 'text');
    expect(() => readForeignLora(file)).not.toThrow();
    writeTorchFile(file, [
      [`${q}.lora_A`, tensor(2, 8)],
      [`${q}.lora_B`, tensor(8, 2)],
    ]);
    expect(() => readForeignLora(file)).toThrowError('does not store alpha');
  });
});
