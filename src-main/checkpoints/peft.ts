/**
 * LoRA adapters in the format of the Python PEFT library: adapter_config.json, adapter_model.safetensors with keys
 * `base_model.model.<module path>.lora_A.weight` (r, in) and `.lora_B.weight` (out, r), and Graft's graft.json.
 */
import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../errors.ts';
import { writeFolderAtomic } from '../files.ts';
import { castF32 } from './dtype.ts';
import { GRAFT_FILE, parseGraftInfo, type GraftAdapterInfo } from './graftInfo.ts';
import { fullPeftConfig, moduleRank, parsePeftConfig, type PeftConfig, type PeftConfigInput } from './peftConfig.ts';
import { openSafetensors, readFile, tensorF32From, type TensorInfo } from './safetensors.ts';
import { writeSafetensors, type TensorEntry, type WrittenFile } from './safetensorsWrite.ts';
import { allFinite } from './finite.ts';
import { systemErrorAbout } from './systemError.ts';

export { moduleRank, moduleScale } from './peftConfig.ts';
export { assertAdapterFitsBase } from './peftFit.ts';
export type { GraftAdapterInfo, PeftConfig, PeftConfigInput };

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const KEY = /^base_model\.model\.(.+)\.lora_(A|B)\.weight$/;

export interface Matrix {
  /** [rows, columns]. */
  shape: [number, number];
  data: Float32Array;
}

/** A (r, in) and B (out, r) of one adapted linear layer. */
export interface LoraPair {
  A: Matrix;
  B: Matrix;
}

export interface PeftAdapter {
  /** Absolute path. */
  dir: string;
  config: PeftConfig;
  /** By module path, e.g. `model.layers.0.self_attn.q_proj`, in the order of the file. */
  modules: Map<string, LoraPair>;
  /** Absent for adapters made outside Graft. */
  graft?: GraftAdapterInfo;
  /** Of adapter_model.safetensors; computed when first asked for. */
  readonly sha256: string;
  sizeBytes: number;
}

/**
 * Reads and checks the adapter in `dir`; weights of any float dtype become float32.
 * Throws GraftError PEFT_NOT_FOUND, PEFT_CONFIG, PEFT_UNSUPPORTED, PEFT_WEIGHTS (unknown key, missing pair, rank that does
 * not match, NaN or Inf), GRAFT_INFO, or SAFETENSORS_*.
 */
export function readPeftAdapter(dir: string): PeftAdapter {
  const root = path.resolve(dir);
  const configFile = path.join(root, ADAPTER_CONFIG);
  const weightsFile = path.join(root, ADAPTER_WEIGHTS);
  if (!fs.existsSync(configFile)) throw new GraftError('PEFT_NOT_FOUND', `${root} has no ${ADAPTER_CONFIG}; choose the folder of a PEFT adapter.`, { dir: root });
  const config = parsePeftConfig(configFile, fs.readFileSync(configFile, 'utf8'));
  if (!fs.existsSync(weightsFile)) {
    const other = fs.existsSync(path.join(root, 'adapter_model.bin'));
    throw new GraftError('PEFT_NOT_FOUND', other ? `${root} holds its weights only as adapter_model.bin; convert them to safetensors (in PEFT: save_pretrained(folder)).` : `${root} has no ${ADAPTER_WEIGHTS}; choose the folder of a complete PEFT adapter.`, { dir: root });
  }
  const graftFile = path.join(root, GRAFT_FILE);
  const graft = fs.existsSync(graftFile) ? parseGraftInfo(graftFile, fs.readFileSync(graftFile, 'utf8')) : undefined;
  const file = openSafetensors(weightsFile);
  try {
    const bytes = readFile(file); // at once: hundreds of small reads take longer
    const modules = pairUp(weightsFile, file.tensors, config, bytes);
    let sha256: string | undefined;
    return {
      dir: root,
      config,
      modules,
      ...(graft ? { graft } : {}),
      sizeBytes: file.sizeBytes,
      get sha256() {
        return (sha256 ??= hash('sha256', bytes));
      },
    };
  } finally {
    file.close();
  }
}

function weightsError(file: string, tensor: string, problem: string): GraftError {
  return new GraftError('PEFT_WEIGHTS', `${file}: ${tensor} ${problem}; use a complete plain LoRA adapter.`, { file, tensor });
}

function pairUp(file: string, tensors: Map<string, TensorInfo>, config: PeftConfig, bytes: Uint8Array): Map<string, LoraPair> {
  const halves = new Map<string, Partial<LoraPair>>();
  for (const info of tensors.values()) {
    const match = KEY.exec(info.name);
    if (!match) throw weightsError(file, info.name, 'is not the lora_A or lora_B of a linear layer');
    const [, module, half] = match as unknown as [string, string, 'A' | 'B'];
    halves.set(module, { ...halves.get(module), [half]: readMatrix(file, info, bytes) });
  }
  if (halves.size === 0) throw weightsError(file, 'the file', 'holds no lora_A and lora_B');
  const modules = new Map<string, LoraPair>();
  for (const [module, { A, B }] of halves) {
    if (!A || !B) throw weightsError(file, module, `has no lora_${A ? 'B' : 'A'}.weight`);
    const rank = moduleRank(config, module);
    if (A.shape[0] !== rank || B.shape[1] !== rank) {
      throw weightsError(file, module, `has lora_A [${A.shape.join(', ')}] and lora_B [${B.shape.join(', ')}], but ${ADAPTER_CONFIG} says rank ${rank}`);
    }
    modules.set(module, { A, B });
  }
  return modules;
}

function readMatrix(file: string, info: TensorInfo, bytes: Uint8Array): Matrix {
  if (info.shape.length !== 2) throw weightsError(file, info.name, `has shape [${info.shape.join(', ')}] instead of two dimensions`);
  const data = tensorF32From(bytes, info);
  if (!allFinite(data)) throw weightsError(file, info.name, 'holds NaN or Inf');
  return { shape: info.shape as [number, number], data };
}

/**
 * Writes an adapter folder that PEFT 0.20 loads as it is; `dir` must not exist unless `replace` is set. The folder
 * appears whole or not at all.
 */
export async function writePeftAdapter(
  dir: string,
  adapter: { config: PeftConfigInput; modules: Map<string, LoraPair>; graft?: GraftAdapterInfo },
  options: { replace?: boolean } = {},
): Promise<WrittenFile> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  try {
    return await writeFolderAtomic(
      dir,
      (temporary) => {
        fs.writeFileSync(path.join(temporary, ADAPTER_CONFIG), json(fullPeftConfig(adapter.config)));
        if (adapter.graft) fs.writeFileSync(path.join(temporary, GRAFT_FILE), json(adapter.graft));
        return writeSafetensors(path.join(temporary, ADAPTER_WEIGHTS), entriesOf(adapter.modules));
      },
      options,
    );
  } catch (error) {
    throw systemErrorAbout(error, dir);
  }
}

function entriesOf(modules: Map<string, LoraPair>): TensorEntry[] {
  return [...modules].flatMap(([module, pair]) =>
    (['A', 'B'] as const).map((half): TensorEntry => {
      const { shape, data } = pair[half];
      return { name: `base_model.model.${module}.lora_${half}.weight`, dtype: 'F32', shape, data: () => castF32(data, 'F32') };
    }),
  );
}
