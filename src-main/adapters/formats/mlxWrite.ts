/**
 * An adapter as mlx-lm reads it (mlx_lm/tuner/utils.py, load_adapters): adapters.safetensors with `PATH.lora_a`
 * (in, r), `PATH.lora_b` (r, out) and, for DoRA, `PATH.m` (out); adapter_config.json with the layers and one scale for
 * all: y = Wx + scale·(x·a)·b.
 */
import fs from 'node:fs';
import path from 'node:path';
import { writeOutputFolder } from '../../basemodel/outputFolder.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { castF32 } from '../../safetensors/dtype.ts';
import { writeSafetensors, type WrittenFile } from '../../safetensors/write.ts';
import type { AdapterContent, Base } from '../content.ts';
import { ADAPTER_CONFIG, MLX_WEIGHTS, type NamedTensors } from '../files.ts';
import { commonest, loraMatrices, scaledB, transposed, type LoraMatrices } from './loraMatrices.ts';
import { mlxNames } from './mlxNames.ts';

export interface MlxExport {
  base: Base;
  /** What the adapter does to the base (StoredAdapter.on). */
  content: AdapterContent;
  /** The adapter's own folder, for messages. */
  adapterDir: string;
  /** New or empty, outside the base's folder. */
  outDir: string;
  /** What adapter_config.json calls the base; default: its folder. */
  modelName?: string;
}

/** Throws NOT_PLAIN_LORA, OUTPUT_* as writeOutputFolder, DISK_FULL, NOT_ALLOWED. */
export async function writeMlxAdapter(options: MlxExport): Promise<WrittenFile> {
  const { base, content, adapterDir, outDir } = options;
  const matrices = loraMatrices(content, { dir: adapterDir, format: "mlx-lm's format", dora: true });
  const scale = commonest(matrices.map((one) => one.scale));
  return writeOutputFolder(outDir, base.dir, (dir) => {
    fs.writeFileSync(
      path.join(dir, ADAPTER_CONFIG),
      `${JSON.stringify(configOf(matrices, scale, options), null, 4)}\n`,
    );
    return writeSafetensors(
      path.join(dir, MLX_WEIGHTS),
      [...tensorsOf(matrices, scale, base.spec)].map(([name, { shape, data }]) => ({
        name,
        dtype: 'F32',
        shape,
        data: () => castF32(data, 'F32'),
      })),
      { format: 'mlx' },
    );
  });
}

/** What writeMlxAdapter would write, to within some hundred bytes. Throws NOT_PLAIN_LORA. */
export function mlxFiles(options: Omit<MlxExport, 'outDir'>): { name: string; sizeBytes: number }[] {
  const matrices = loraMatrices(options.content, { dir: options.adapterDir, format: "mlx-lm's format", dora: true });
  const values = matrices.reduce(
    (sum, { A, B, magnitude }) => sum + A.data.length + B.data.length + (magnitude?.length ?? 0),
    0,
  );
  const config = configOf(matrices, 1, { ...options, outDir: '' });
  return [
    { name: ADAPTER_CONFIG, sizeBytes: JSON.stringify(config, null, 4).length },
    { name: MLX_WEIGHTS, sizeBytes: 4 * values },
  ];
}

function tensorsOf(matrices: LoraMatrices[], scale: number, spec: ArchitectureSpec): NamedTensors {
  const tensors: NamedTensors = new Map();
  for (const one of matrices) {
    const { path: name } = mlxNames(one.module, spec);
    tensors.set(`${name}.lora_a`, transposed(one.A));
    tensors.set(`${name}.lora_b`, transposed(scaledB(one, one.scale / scale)));
    if (one.magnitude) tensors.set(`${name}.m`, { shape: [one.magnitude.length], data: one.magnitude });
  }
  return tensors;
}

/** Fields in the order in which mlx-lm's save_config writes them. */
function configOf(matrices: LoraMatrices[], scale: number, { base, content, modelName }: MlxExport): object {
  const { settings } = content;
  const dropout = 'dropout' in settings && typeof settings.dropout === 'number' ? settings.dropout : 0;
  return {
    fine_tune_type: matrices.some(({ magnitude }) => magnitude) ? 'dora' : 'lora',
    lora_parameters: {
      dropout,
      keys: keysOf(matrices, base.spec),
      rank: commonest(matrices.map(({ A }) => A.shape[0]!)),
      scale,
    },
    model: modelName ?? base.dir,
    num_layers: layersOf(matrices, base.spec),
  };
}

/** From the first adapted layer to the last of the model: mlx-lm counts from the end. */
function layersOf(matrices: LoraMatrices[], spec: ArchitectureSpec): number {
  return spec.layers - Math.min(...matrices.map(({ module }) => module.layer));
}

/** Names within a block where all of those layers have them; else each layer by its path, which names nothing else. */
function keysOf(matrices: LoraMatrices[], spec: ArchitectureSpec): string[] {
  const names = matrices.map(({ module }) => mlxNames(module, spec));
  const keys = [...new Set(names.map(({ key }) => key))].sort();
  return matrices.length === keys.length * layersOf(matrices, spec) ? keys : names.map((one) => one.path).sort();
}
