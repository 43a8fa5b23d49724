/** Adapters and weights read by plain loops that share nothing with the product. Float32 files only. */
import fs from 'node:fs';
import path from 'node:path';

interface PlainTensor {
  shape: number[];
  values: Float32Array;
  /** Where its bytes begin in the file. */
  at: number;
}

/** The tensors of a safetensors file by name. */
export function readTensors(file: string): Map<string, PlainTensor> {
  const bytes = fs.readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, PlainTensor>();
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = offsets;
    const at = start + from;
    const values = Float32Array.from({ length: (to - from) / 4 }, (_, i) => bytes.readFloatLE(at + 4 * i));
    tensors.set(name, { shape, values, at });
  }
  return tensors;
}

/** (alpha/r)·BA of each matrix of a PEFT folder, (out, in) row by row, by its name without `.weight`. */
export function loraProducts(dir: string): Map<string, Float64Array> {
  const config = JSON.parse(fs.readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as {
    lora_alpha: number;
    r: number;
  };
  const tensors = readTensors(path.join(dir, 'adapter_model.safetensors'));
  const products = new Map<string, Float64Array>();
  for (const [name, A] of tensors) {
    if (!name.endsWith('.lora_A.weight')) continue;
    const B = tensors.get(name.replace('.lora_A.', '.lora_B.'))!;
    const [r, inputs] = A.shape as [number, number];
    const product = new Float64Array(B.shape[0]! * inputs);
    for (let o = 0; o < B.shape[0]!; o++)
      for (let i = 0; i < inputs; i++)
        for (let k = 0; k < r; k++)
          product[o * inputs + i]! += (config.lora_alpha / config.r) * B.values[o * r + k]! * A.values[k * inputs + i]!;
    products.set(name.replace('base_model.model.', '').replace('.lora_A.weight', ''), product);
  }
  return products;
}

/** A copy of a model's folder with W + the sum of scale·dW, in float32. */
export function writeMerged(modelDir: string, tasks: [adapterDir: string, scale: number][], outDir: string): string {
  fs.cpSync(modelDir, outDir, { recursive: true });
  const file = path.join(outDir, 'model.safetensors');
  const weights = readTensors(file);
  const bytes = fs.readFileSync(file);
  for (const [adapterDir, scale] of tasks) {
    for (const [name, product] of loraProducts(adapterDir)) {
      const { at } = weights.get(`${name}.weight`)!;
      product.forEach((value, i) => bytes.writeFloatLE(bytes.readFloatLE(at + 4 * i) + scale * value, at + 4 * i));
    }
  }
  fs.writeFileSync(file, bytes);
  return outDir;
}
