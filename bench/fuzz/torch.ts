/** Files in PyTorch's formats: base models, adapters of PEFT's with everything that they may hold, loralib's. */
import fs from 'node:fs';
import path from 'node:path';
import { readForeignLora } from '../../src-main/adapters/formats/foreign.ts';
import { readAdapterTensors } from '../../src-main/adapters/files.ts';
import { readModel } from '../../src-main/app/models/read.ts';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { replacedValues } from '../../src-main/adapters/replaced.ts';
import { readAdapter } from '../../src-main/methods/fileRegistry.ts';
import { peftTable, tensorsOfCase, writeTableBase } from '../../test-support/fixtures/peftTable.ts';
import { pickleOf, torchLegacy, writeTorchFile, type TorchTensor } from '../../test-support/fixtures/torchFile.ts';
import { writeTinyModel } from '../../test-support/fixtures/tinyModel.ts';
import type { Reader } from './reader.ts';

const WEIGHTS = 'pytorch_model.bin';

/** A model folder whose weights `write` puts into the file instead. */
async function torchModel(dir: string, write: (file: string, safetensors: string) => void): Promise<void> {
  await writeTinyModel(dir);
  const safetensors = path.join(dir, 'model.safetensors');
  write(path.join(dir, WEIGHTS), safetensors);
  fs.rmSync(safetensors);
}

const base: Reader = {
  name: 'base model as pytorch_model.bin',
  async write(dir) {
    await torchModel(dir, (file, from) => writeTorchFile(file, readAdapterTensors(from).tensors));
    return { 'config.json': 'json', [WEIGHTS]: 'bytes' };
  },
  read: (dir) => readModel(dir).notes ?? [],
};

const legacy: Reader = {
  name: 'base model in the format before PyTorch 1.6',
  async write(dir) {
    await torchModel(dir, (file, from) => {
      const tensors = [...readAdapterTensors(from).tensors];
      const listed = tensors.map(([name, { shape, data }], i): TorchTensor => ({
        name,
        type: 'Float',
        storage: String(i),
        elements: data.length,
        shape,
      }));
      const storages = tensors.map(([, { data }], i): [string, number, Uint8Array] => [
        String(i),
        data.length,
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      ]);
      fs.writeFileSync(file, torchLegacy(pickleOf(listed), storages));
    });
    return { [WEIGHTS]: 'bytes' };
  },
  read: (dir) => readModel(dir).notes ?? [],
};

const loralib: Reader = {
  name: "loralib's file",
  write(dir) {
    const data = new Float32Array(16).fill(0.5);
    const at = 'model.layers.0.self_attn.q_proj';
    writeTorchFile(path.join(dir, 'lora.pt'), [
      [`${at}.lora_A`, { shape: [2, 8], data }],
      [`${at}.lora_B`, { shape: [8, 2], data }],
    ]);
    return Promise.resolve({ 'lora.pt': 'bytes' });
  },
  read(dir) {
    readForeignLora(path.join(dir, 'lora.pt'), { alpha: 4 });
    return [];
  },
};

const CASES = [
  'tokens of the head',
  'LoRA on both, tied',
  'embedding and head saved, untied',
  'bias all with a bias on lora_B',
];

/** Adapters of PEFT's own making, as adapter_model.bin. */
async function adapters(root: string): Promise<Reader[]> {
  const { bases, cases } = peftTable();
  const models = new Map<string, ReturnType<typeof openBaseModel>>();
  for (const [name, one] of Object.entries(bases))
    models.set(name, openBaseModel(await writeTableBase(path.join(root, 'table', name), one)));
  return cases
    .filter(({ name }) => CASES.includes(name))
    .map((one): Reader => ({
      name: `adapter_model.bin, ${one.name}`,
      write(dir) {
        fs.writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify(one.config));
        writeTorchFile(path.join(dir, 'adapter_model.bin'), tensorsOfCase(one));
        return Promise.resolve({ 'adapter_config.json': 'json', 'adapter_model.bin': 'bytes' });
      },
      read(dir) {
        const { replaced } = readAdapter(dir).on(models.get(one.base)!);
        for (const tensor of replaced.values()) replacedValues(tensor);
        return [];
      },
    }));
}

/** `root`: a folder for the bases that some of them are read against. */
export async function torchReaders(root: string): Promise<Reader[]> {
  return [base, legacy, loralib, ...(await adapters(root))];
}
