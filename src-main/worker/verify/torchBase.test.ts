/** Base models whose weights are PyTorch's own files: merged into safetensors, with a certificate. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pair, temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { writeAdapterFile, type NamedTensors } from '../../adapters/files.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { openSafetensors, readTensorF32 } from '../../safetensors/read.ts';
import { mergeAndVerify } from './merge.ts';

const GOLDEN = sharedPath('golden/llama/base');
const have = hasShared('formats') && hasShared('golden');

/** The golden Llama's folder with its weights from `formats/`. */
function folderOf(weights: string): string {
  const dir = path.join(temporaryFolder(), 'model');
  fs.mkdirSync(dir);
  fs.copyFileSync(path.join(GOLDEN, 'config.json'), path.join(dir, 'config.json'));
  for (const name of fs.readdirSync(sharedPath(`formats/${weights}`)))
    if (name.startsWith('pytorch_model'))
      fs.copyFileSync(sharedPath(`formats/${weights}/${name}`), path.join(dir, name));
  return dir;
}

async function adapterFor(dir: string): Promise<string> {
  const tensors: NamedTensors = new Map();
  for (const layer of [0, 1, 2])
    for (const [half, matrix] of Object.entries(pair(64, 64, 2, layer)))
      if (half !== 'magnitude')
        tensors.set(`base_model.model.model.layers.${layer}.self_attn.q_proj.lora_${half}.weight`, matrix as never);
  const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'] };
  await writeAdapterFile(path.join(dir, 'adapter'), { config, tensors });
  return path.join(dir, 'adapter');
}

describe.skipIf(!have)(`pytorch_model.bin${skipNote('formats')}`, () => {
  it.each([
    ['llama_bin', ['model.safetensors']],
    [
      'llama_bin_shards',
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'],
    ],
  ])('%s is merged with a certificate', async (weights, files) => {
    const dir = folderOf(weights);
    const work = temporaryFolder();
    const [adapterDir, outDir] = [await adapterFor(work), path.join(work, 'merged')];
    const params = { engine: 'wasm', modelDir: dir, adapterDir, outDir } as const;
    const { certificate } = await mergeAndVerify(params, () => undefined);
    expect(certificate).toMatchObject({ passed: true, reading: { problems: [], changed: 3 } });
    expect(fs.readdirSync(outDir).filter((name) => name.startsWith('model'))).toEqual(files);
    const merged = openBaseModel(outDir);
    expect(merged.format).toBe('safetensors');
    merged.close();
  });

  it('has the values of the same checkpoint as safetensors, which win where both are there', () => {
    const dir = folderOf('llama_bin');
    const base = openBaseModel(dir);
    const golden = openSafetensors(path.join(GOLDEN, 'model.safetensors'));
    for (const [name, info] of golden.tensors) expect(base.readF32(name), name).toEqual(readTensorF32(info));
    expect([base.format, base.notes]).toEqual(['torch', []]);
    base.close();
    golden.close();
    fs.copyFileSync(path.join(GOLDEN, 'model.safetensors'), path.join(dir, 'model.safetensors'));
    const both = openBaseModel(dir);
    expect([both.format, both.notes]).toEqual([
      'safetensors',
      ['The folder also holds pytorch_model.bin; its safetensors are used.'],
    ]);
    both.close();
  });
});
