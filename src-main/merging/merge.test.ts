import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBaseModel, type BaseModel } from '../basemodel/baseModel.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { readPeftAdapter, type LoraPair, type PeftAdapter } from '../methods/lora/peft.ts';
import { moduleScale } from '../methods/lora/peftConfig.ts';
import { readTensorBytes } from '../safetensors/read.ts';
import type { TensorEntry } from '../safetensors/write.ts';
import {
  mountDisk,
  NO_DISK,
  pair,
  temporaryFolder,
  tinyAdapter,
  TINY_CONFIG,
  tinyEntries,
  writeTiny,
} from '../../test-support/fixtures/folders.ts';
import { expectClose } from '../../test-support/checks/expectClose.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { mergeAdapter, type MergeOptions } from './merge.ts';

const Q = 'model.layers.0.self_attn.q_proj';

/** W + scale B A by the definition, every element on its own, in float64. `inOut`: W is stored (in, out). */
function naiveMerge(
  weight: Float32Array,
  [rows, columns]: number[],
  { A, B }: LoraPair,
  scale: number,
  inOut: boolean,
): Float64Array {
  const [r, inFeatures] = A.shape;
  const merged = new Float64Array(weight.length);
  for (let i = 0; i < rows!; i++) {
    for (let j = 0; j < columns!; j++) {
      const [o, c] = inOut ? [j, i] : [i, j];
      let sum = 0;
      for (let k = 0; k < r; k++) sum += B.data[o * r + k]! * A.data[k * inFeatures + c]!;
      merged[i * columns! + j] = weight[i * columns! + j]! + scale * sum;
    }
  }
  return merged;
}

function expectMerged(base: BaseModel, merged: BaseModel, adapter: PeftAdapter, rtol: number): void {
  expect([...merged.tensors.keys()].sort()).toEqual([...base.tensors.keys()].sort());
  for (const [name, info] of base.tensors) {
    const module = name.replace(/\.weight$/, '');
    const lora = adapter.modules.get(module);
    if (lora)
      expectClose(
        merged.readF32(name),
        naiveMerge(
          base.readF32(name),
          info.shape,
          lora,
          moduleScale(adapter.config, module),
          base.spec.layout === 'in_out',
        ),
        { rtol, atol: 1e-9 },
        name,
      );
    else
      expect(
        Buffer.from(readTensorBytes(merged.tensors.get(name)!)).equals(Buffer.from(readTensorBytes(info))),
        name,
      ).toBe(true);
  }
}

/** Merges an adapter of q_proj into the synthetic base model; both lie outside the folder of `outDir`. */
async function mergeTiny(
  options: Partial<MergeOptions> & { outDir: string },
  entries = tinyEntries(),
  lora = pair(8, 8, 2),
): Promise<void> {
  const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'base'), entries));
  try {
    await mergeAdapter({ base, adapter: await tinyAdapter(Q, lora), ...options });
  } finally {
    base.close();
  }
}

describe('PyTorch goldens', () => {
  it.skipIf(!hasShared('golden')).each([
    ['llama', 'base', 'lora_all'],
    ['llama', 'base', 'rslora'],
    ['gpt2', 'base', 'lora_all'],
    ['gpt2', 'base_hubkeys', 'lora_all'],
  ])(`%s/%s with %s equals the float64 definition${skipNote('golden')}`, async (model, folder, run) => {
    const out = path.join(temporaryFolder(), 'merged');
    const base = openBaseModel(sharedPath(`golden/${model}/${folder}`));
    const adapter = readPeftAdapter(sharedPath(`golden/${model}/${run}/final`));
    const result = await mergeAdapter({ base, adapter, outDir: out });
    const merged = openBaseModel(out);
    expectMerged(base, merged, adapter, 2 ** -24);
    const names = ({ files }: BaseModel): string[] => files.flatMap((file) => [...file.tensors.keys()]);
    expect(names(merged)).toEqual(names(base));
    expect(result.files).toEqual(fs.readdirSync(out).sort());
    expect(result.files).not.toContain('logits.safetensors');
    expect(result.sizeBytes).toBe(result.files.reduce((sum, name) => sum + fs.statSync(path.join(out, name)).size, 0));
    for (const name of result.files.filter((file) => file.endsWith('.json')))
      expect(fs.readFileSync(path.join(out, name))).toEqual(fs.readFileSync(path.join(base.dir, name)));
    base.close();
    merged.close();
  });

  it.skipIf(!hasShared('golden'))(
    `a bf16 checkpoint in shards stays bf16 in the same shards${skipNote('golden')}`,
    async () => {
      const dir = temporaryFolder();
      const base = openBaseModel(sharedPath('golden/qwen2/base'));
      const adapter = readPeftAdapter(sharedPath('golden/qwen2/lora_all/final'));
      await mergeAdapter({ base, adapter, outDir: path.join(dir, 'own') });
      await mergeAdapter({ base, adapter, outDir: path.join(dir, 'f32'), dtype: 'f32' });
      const own = openBaseModel(path.join(dir, 'own'));
      const wide = openBaseModel(path.join(dir, 'f32'));
      expect(own.files.map(({ file, tensors }) => [path.basename(file), [...tensors.keys()]])).toEqual(
        base.files.map(({ file, tensors }) => [path.basename(file), [...tensors.keys()]]),
      );
      expect([...own.tensors.values()].every(({ dtype }) => dtype === 'BF16')).toBe(true);
      expect(own.index).toEqual(base.index);
      expectMerged(base, own, adapter, 2 ** -8);
      expect(wide.index!.metadata!['total_size']).toBe(2 * Number(base.index!.metadata!['total_size']));
      expect(wide.config['torch_dtype']).toBe('float32');
      for (const name of wide.tensors.keys())
        expect(castF32(wide.readF32(name), 'BF16'), name).toEqual(readTensorBytes(own.tensors.get(name)!));
      for (const model of [base, own, wide]) model.close();
    },
  );
});

describe('output folder', () => {
  it('is the same however small the chunks are', async () => {
    const dir = temporaryFolder();
    // 100 bytes: three rows of eight values, so that the last chunk of a matrix is a partial one.
    for (const [name, chunkBytes] of [
      ['whole', undefined],
      ['chunks', 100],
    ] as const)
      await mergeTiny({ outDir: path.join(dir, name), dtype: 'bf16', ...(chunkBytes ? { chunkBytes } : {}) });
    expect(
      fs
        .readFileSync(path.join(dir, 'chunks/model.safetensors'))
        .equals(fs.readFileSync(path.join(dir, 'whole/model.safetensors'))),
    ).toBe(true);
  });

  it('casts weights, not buffers; copies small files and folders, not other weights; leaves the base', async () => {
    const buffer: TensorEntry = {
      name: 'model.layers.0.self_attn.rotary_emb.inv_freq',
      dtype: 'F32',
      shape: [1],
      data: () => castF32(Float32Array.of(1e30), 'F32'),
    };
    const dir = await writeTiny(path.join(temporaryFolder(), 'base'), [...tinyEntries(), buffer]);
    for (const name of ['tokenizer.json', 'LICENSE', 'pytorch_model.bin', 'model.onnx', '.hidden'])
      fs.writeFileSync(path.join(dir, name), name);
    fs.mkdirSync(path.join(dir, 'templates'));
    fs.writeFileSync(path.join(dir, 'templates/tool.jinja'), 'x');
    fs.chmodSync(path.join(dir, 'LICENSE'), 0o444);
    const before = fs.readFileSync(path.join(dir, 'model.safetensors'));
    const base = openBaseModel(dir);
    const out = path.join(temporaryFolder(), 'new/parent/out');
    const seen: number[] = [];
    const result = await mergeAdapter({
      base,
      adapter: await tinyAdapter(Q, pair(8, 8, 2)),
      outDir: out,
      dtype: 'f16',
      onProgress: ({ done, total }) => seen.push(done / total),
    });
    expect(result.files).toEqual(
      ['LICENSE', 'config.json', 'model.safetensors', 'templates/tool.jinja', 'tokenizer.json'].map(path.normalize),
    );
    expect(seen.at(-1)).toBe(1);
    const merged = openBaseModel(out);
    expect(merged.files[0]!.tensors.get(buffer.name)!.dtype).toBe('F32');
    expect([...merged.tensors.values()].every(({ dtype }) => dtype === 'F16')).toBe(true);
    expect(merged.config).toEqual({ ...TINY_CONFIG, torch_dtype: 'float16' });
    expect(fs.readFileSync(path.join(dir, 'model.safetensors')).equals(before)).toBe(true);
    base.close();
    merged.close();
  });

  it('may exist when empty', async () => {
    const outDir = path.join(temporaryFolder(), 'out');
    fs.mkdirSync(outDir);
    await mergeTiny({ outDir });
    openBaseModel(outDir).close();
    expect(fs.readdirSync(path.dirname(outDir))).toEqual(['out']);
  });
});

describe('refusals leave nothing behind', () => {
  it('an occupied folder, a file, a path below a file', async () => {
    const dir = temporaryFolder();
    fs.mkdirSync(path.join(dir, 'full'));
    fs.writeFileSync(path.join(dir, 'full/x'), '');
    await expect(mergeTiny({ outDir: path.join(dir, 'full') })).rejects.toMatchObject({
      code: 'OUTPUT_NOT_EMPTY',
      kind: 'usage',
    });
    for (const below of ['full/x', 'full/x/out', 'full/x/deep/out'])
      await expect(mergeTiny({ outDir: path.join(dir, below) })).rejects.toMatchObject({ code: 'OUTPUT_NOT_A_FOLDER' });
    expect(fs.readdirSync(dir, { recursive: true }).sort()).toEqual(['full', path.normalize('full/x')]);
  });

  it('the base folder itself, a folder inside it, also through a link', async () => {
    const dir = temporaryFolder();
    const baseDir = await writeTiny(path.join(dir, 'base'));
    fs.symlinkSync(baseDir, path.join(dir, 'link'));
    const base = openBaseModel(baseDir);
    const adapter = await tinyAdapter(Q, pair(8, 8, 2));
    for (const outDir of ['base', 'base/out', 'base/../base/a/b', 'link', 'link/out'])
      await expect(mergeAdapter({ base, adapter, outDir: path.join(dir, outDir) })).rejects.toMatchObject({
        code: 'OUTPUT_INSIDE_MODEL',
      });
    await mergeAdapter({ base, adapter, outDir: path.join(dir, 'base-merged') });
    expect(fs.readdirSync(baseDir).sort()).toEqual(['config.json', 'model.safetensors']);
    base.close();
  });

  it('a value that does not fit f16, an update that is not finite, a caller that stops it', async () => {
    const dir = temporaryFolder();
    const huge = tinyEntries().map((e) =>
      e.name === 'model.norm.weight' ? { ...e, data: () => castF32(new Float32Array(8).fill(70000), 'F32') } : e,
    );
    await expect(mergeTiny({ dtype: 'f16', outDir: path.join(dir, 'new/out') }, huge)).rejects.toMatchObject({
      code: 'WEIGHT_OVERFLOW',
      message: expect.stringMatching(/model\.norm\.weight .* holds 70000, which does not fit f16/),
    });
    const lora = pair(8, 8, 2);
    lora.A.data.fill(1e30);
    lora.B.data.fill(1e30);
    await expect(mergeTiny({ outDir: path.join(dir, 'out') }, undefined, lora)).rejects.toMatchObject({
      code: 'WEIGHT_NOT_FINITE',
      message: expect.stringContaining(`${Q}.weight`),
    });
    const stop = (): void => {
      throw new Error('stopped');
    };
    await expect(mergeTiny({ outDir: path.join(dir, 'out'), onProgress: stop })).rejects.toThrow('stopped');
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('an adapter of another base, or one with a module that does not exist', async () => {
    const dir = temporaryFolder();
    const base = openBaseModel(await writeTiny(path.join(dir, 'base')));
    const graft = {
      format: 1 as const,
      baseHash: 'feed',
      baseName: 'other',
      task: 't',
      runId: 'r',
      targets: [],
      rank: 2,
      alpha: 4,
      createdAt: '',
    };
    const outDir = path.join(dir, 'out');
    await expect(
      mergeAdapter({ base, adapter: await tinyAdapter(Q, pair(8, 8, 2), graft), outDir }),
    ).rejects.toMatchObject({ code: 'ADAPTER_WRONG_BASE' });
    await expect(
      mergeAdapter({ base, adapter: await tinyAdapter('model.layers.9.mlp.up_proj', pair(8, 12, 2)), outDir }),
    ).rejects.toMatchObject({ code: 'ADAPTER_NO_MODULE' });
    expect(fs.readdirSync(dir)).toEqual(['base']);
    base.close();
  });

  it('a full disk', async ({ skip }) => {
    const disk = mountDisk('size=48k');
    if (!disk) return skip(NO_DISK);
    const outDir = path.join(disk, 'a/b/out');
    const big: TensorEntry = { name: 'model.extra', dtype: 'F32', shape: [20_000], data: () => new Uint8Array(80_000) };
    await expect(mergeTiny({ outDir }, [...tinyEntries(), big])).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(outDir),
    });
    expect(fs.readdirSync(disk)).toEqual([]);
  });

  it('a disk that cannot be written', async ({ skip }) => {
    const disk = mountDisk('ro');
    if (!disk) return skip(NO_DISK);
    await expect(mergeTiny({ outDir: path.join(disk, 'out') })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining(path.join(disk, 'out')),
    });
    expect(fs.readdirSync(disk)).toEqual([]);
  });

  it('a base that was cut short after it was opened', async () => {
    const dir = temporaryFolder();
    const baseDir = await writeTiny(path.join(dir, 'base'));
    const base = openBaseModel(baseDir);
    const adapter = await tinyAdapter(Q, pair(8, 8, 2));
    fs.truncateSync(path.join(baseDir, 'model.safetensors'), 4000);
    await expect(mergeAdapter({ base, adapter, outDir: path.join(dir, 'out') })).rejects.toMatchObject({
      code: 'SAFETENSORS_TRUNCATED',
    });
    expect(fs.readdirSync(dir)).toEqual(['base']);
    base.close();
  });
});
