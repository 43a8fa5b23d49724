/** Files that PyTorch itself wrote (../shared/formats), against the same values as safetensors. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { number, pickleOf, torchLegacy, torchZip, writeTorchFile } from '../../test-support/fixtures/torchFile.ts';
import { sharedPath, skipNote, hasShared } from '../../test-support/goldens/shared.ts';
import { openSafetensors, readRowsF32, readTensorBytes, readTensorF32, rowsOf } from '../safetensors/read.ts';
import { openTorchFile } from './torchFile.ts';

const FORMATS = 'formats';

describe.skipIf(!hasShared(FORMATS))(`as torch.save wrote them${skipNote(FORMATS)}`, () => {
  it.each([
    ['llama_bin/pytorch_model.bin', '../golden/llama/base/model.safetensors'],
    ['legacy_bf16/pytorch_model.bin', 'legacy_bf16/expected.safetensors'],
    ['legacy_bf16/same_as_zip.bin', 'legacy_bf16/expected.safetensors'],
    ['loralib/plain.pt', 'loralib/expected.safetensors'],
    ['loralib/model.8.pt', 'loralib/expected.safetensors'],
  ])('%s: every value', (name, same) => {
    const got = openTorchFile(sharedPath(`${FORMATS}/${name}`));
    const want = openSafetensors(path.resolve(sharedPath(FORMATS), same));
    expect([...got.tensors.keys()].sort()).toEqual([...want.tensors.keys()].sort());
    for (const [tensor, info] of want.tensors) {
      const own = got.tensors.get(tensor)!;
      expect([own.dtype, own.shape]).toEqual([info.dtype, info.shape]);
      expect(Buffer.from(readTensorBytes(own)).equals(Buffer.from(readTensorBytes(info))), tensor).toBe(true);
      if (info.dtype === 'I64') continue;
      const { rows } = rowsOf(info);
      expect(readRowsF32(own, rows - 1, 1)).toEqual(readRowsF32(info, rows - 1, 1));
    }
    got.close();
    want.close();
  });

  it('of a training checkpoint the weights, and the names of the rest', () => {
    const file = openTorchFile(sharedPath(`${FORMATS}/llama_bin/training_checkpoint.pt`));
    expect([...file.tensors.keys()]).toEqual(['lm_head.weight', 'model.embed_tokens.weight']);
    expect(file.leftAside).toEqual(['optimizer', 'epoch', 'args']);
    file.close();
  });
});

describe('files made here', () => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const raw = new Uint8Array(data.buffer);

  it('views: a transposed one, a slice, one value; whole and by rows', () => {
    const file = path.join(temporaryFolder(), 'views.bin');
    const view = { type: 'Float', storage: '0', elements: 12 };
    fs.writeFileSync(
      file,
      torchZip(
        pickleOf([
          { ...view, name: 'turned', shape: [4, 3], strides: [1, 4] },
          { ...view, name: 'slice', shape: [2, 2], strides: [4, 1], offset: 5 },
          { ...view, name: 'one', shape: [], offset: 7 },
        ]),
        { 0: raw },
      ),
    );
    const { tensors, close } = openTorchFile(file);
    expect([...readTensorF32(tensors.get('turned')!)]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect([...readRowsF32(tensors.get('turned')!, 2, 1)]).toEqual([2, 6, 10]);
    expect([...readTensorF32(tensors.get('slice')!)]).toEqual([5, 6, 9, 10]);
    expect([...readTensorF32(tensors.get('one')!)]).toEqual([7]);
    close();
  });

  it('the format before zip', () => {
    const file = path.join(temporaryFolder(), 'old.bin');
    const list = pickleOf([{ name: 'w', type: 'Float', storage: '99', elements: 12, shape: [3, 4] }]);
    fs.writeFileSync(file, torchLegacy(list, [['99', 12, raw]]));
    const { tensors, close } = openTorchFile(file);
    expect(readTensorF32(tensors.get('w')!)).toEqual(data);
    close();
  });

  it('an empty dictionary holds no tensor, and a number is none', () => {
    const dir = temporaryFolder();
    writeTorchFile(path.join(dir, 'empty.bin'), []);
    expect(() => openTorchFile(path.join(dir, 'empty.bin'))).toThrowError('holds no tensor');
    fs.writeFileSync(path.join(dir, 'number.bin'), torchZip(Buffer.concat([number(3), Buffer.from('.')])));
    expect(() => openTorchFile(path.join(dir, 'number.bin'))).toThrowError('holds a number and no dictionary');
  });
});
