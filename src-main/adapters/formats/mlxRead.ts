/** Adapters as mlx-lm writes them: see mlxWrite.ts for the format, and mlx_lm/tuner/lora.py, dora.py for the maths. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { GraftError } from '../../../src-shared/errors.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import { linearModules, type LinearModule } from '../../engine/model/architecture.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { parseJson } from '../../files/parseJson.ts';
import type { PeftModules, PeftPair } from '../../methods/lora/peftLayout.ts';
import { noModule, type Base } from '../content.ts';
import {
  ADAPTER_CONFIG,
  isMlxFolder,
  MLX_WEIGHTS,
  readAdapterTensors,
  type NamedTensor,
  type NamedTensors,
} from '../files.ts';
import type { ForeignLora } from './foreignLora.ts';
import { transposed } from './loraMatrices.ts';
import { mlxNames } from './mlxNames.ts';

/** Folders of before November 2024 have `use_dora` in place of `fine_tune_type`. */
const configSchema = z.looseObject({
  model: z.string().nullish(),
  fine_tune_type: z.string().nullish(),
  use_dora: z.boolean().nullish(),
  lora_parameters: z.looseObject({ scale: z.number(), dropout: z.number().nullish() }),
});

const KEY = /^(.+)\.(lora_a|lora_b|m)$/;

export function isMlxAdapter(dir: string): boolean {
  return isMlxFolder(dir) || fs.existsSync(path.join(dir, 'adapters.npz'));
}

/** Throws MLX_ADAPTER for what cannot be followed, SAFETENSORS_*, PEFT_WEIGHTS for NaN or Inf. */
export function readMlxAdapter(dir: string): ForeignLora {
  const weightsFile = path.join(dir, MLX_WEIGHTS);
  if (!fs.existsSync(weightsFile))
    throw broken(dir, 'holds its weights as adapters.npz, which only old versions of mlx-lm wrote', 'train it again');
  const { type, scale, dropout, model } = readConfig(dir);
  if (type !== 'lora' && type !== 'dora')
    throw broken(dir, `is of fine_tune_type ${shownValue(type)}`, 'fuse it in mlx-lm and add the model that comes out');
  const { tensors, sha256, sizeBytes } = readAdapterTensors(weightsFile);
  const parts = partsOf(weightsFile, tensors);
  return {
    path: dir,
    format: 'mlx-lm',
    baseName: model,
    dropout,
    dora: type === 'dora',
    sha256,
    sizeBytes,
    modulesOn: (base) => modulesOf({ dir, parts, scale, dora: type === 'dora' }, base),
  };
}

interface MlxConfig {
  type: string;
  scale: number;
  dropout: number;
  model: string | null;
}

function readConfig(dir: string): MlxConfig {
  const file = path.join(dir, ADAPTER_CONFIG);
  if (!fs.existsSync(file)) throw broken(dir, `has no ${ADAPTER_CONFIG}`, 'use a complete folder of mlx-lm');
  const json = parseJson(readForeignText(file));
  if ('problem' in json) throw broken(file, json.problem, 'export the adapter again');
  const parsed = configSchema.safeParse(json.value);
  if (!parsed.success) {
    const field = parsed.error.issues[0]!.path.join('.');
    throw broken(file, `lacks a usable ${field || 'object of settings'}`, 'export the adapter again');
  }
  const { model, fine_tune_type: type, use_dora: dora, lora_parameters: lora } = parsed.data;
  return {
    type: type ?? (dora ? 'dora' : 'lora'),
    scale: lora.scale,
    dropout: lora.dropout ?? 0,
    model: model ?? null,
  };
}

type Parts = Map<string, Partial<Record<'lora_a' | 'lora_b' | 'm', NamedTensor>>>;

function partsOf(file: string, tensors: NamedTensors): Parts {
  const parts: Parts = new Map();
  for (const [name, tensor] of tensors) {
    const [, path, part] = KEY.exec(name) ?? [];
    if (path === undefined)
      throw broken(file, `holds ${name}, which is no part of a LoRA`, 'use a plain LoRA of mlx-lm');
    parts.set(path, { ...parts.get(path), [part!]: tensor });
  }
  if (parts.size === 0) throw broken(file, 'holds no lora_a and lora_b', 'use a complete adapter');
  return parts;
}

interface MlxLora {
  dir: string;
  parts: Parts;
  scale: number;
  dora: boolean;
}

function modulesOf({ dir, parts, scale, dora }: MlxLora, base: Base): PeftModules {
  const wholes = linearModules(base.spec).filter(({ slice }) => !slice);
  const known = new Map(wholes.map((module) => [mlxNames(module, base.spec).path, module]));
  return new Map(
    [...parts].map(([path, found]) => {
      const module = known.get(path);
      if (/(^|\.)(embed_tokens|embed_in|wte|lm_head|embed_out)$/.test(path))
        throw broken(dir, `also adapts ${path}, which is no linear layer of a block`, 'use an adapter without it');
      if (!module) throw noModule(dir, path, base);
      return [module.module, pairOf(dir, path, found, { module, scale, dora })];
    }),
  );
}

function pairOf(
  dir: string,
  path: string,
  { lora_a: a, lora_b: b, m }: NonNullable<ReturnType<Parts['get']>>,
  { module, scale, dora }: { module: LinearModule; scale: number; dora: boolean },
): PeftPair {
  const isPair = a?.shape.length === 2 && b?.shape.length === 2 && a.shape[1] === b.shape[0];
  if (!isPair) throw broken(dir, `has no matching lora_a and lora_b at ${path}`, 'use a complete adapter');
  if (dora !== (m !== undefined))
    throw broken(dir, `has ${m ? 'a' : 'no'} magnitude at ${path}, unlike its configuration`, 'export it again');
  return {
    module,
    scale,
    A: transposed(a) as PeftPair['A'],
    B: transposed(b) as PeftPair['B'],
    ...(m ? { magnitude: m.data } : {}),
  };
}

function broken(file: string, problem: string, instead: string): GraftError {
  return new GraftError('MLX_ADAPTER', `${file} ${problem}; ${instead}.`, { file });
}
