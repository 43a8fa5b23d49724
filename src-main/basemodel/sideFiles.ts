/**
 * Copies what a Hugging Face folder holds besides its weights: config.json, tokenizer, generation settings, licence.
 * Weights in any format stay behind, and so do hidden files and folders.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { TORCH_DTYPES, type FloatDtype } from '../safetensors/dtype.ts';

/** Weights and their indexes, in every format that hub repositories carry. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|ot|gguf|onnx|onnx_data|tflite|mlmodel|npz)$/i;
const WEIGHT_INDEX = /\.(safetensors|bin|h5|msgpack)\.index\.json$/i;

/** Written beside a merged model, about that very folder. */
export const CERTIFICATE_FILE = 'parity.json';

export interface SideFile {
  /** Relative to the folder. */
  name: string;
  sizeBytes: number;
}

/** The small files of a folder and its subfolders. */
export function sideFilesOf(folder: string, below = ''): SideFile[] {
  return fs.readdirSync(path.join(folder, below)).flatMap((name): SideFile[] => {
    const inner = path.join(below, name);
    // statSync follows links: the hub's cache keeps every file as a link.
    const stat = fs.statSync(path.join(folder, inner), { throwIfNoEntry: false });
    if (!stat || staysBehind(name)) return [];
    if (stat.isDirectory()) return sideFilesOf(folder, inner);
    return stat.isFile() ? [{ name: inner, sizeBytes: stat.size }] : [];
  });
}

function staysBehind(name: string): boolean {
  return name.startsWith('.') || name === CERTIFICATE_FILE || WEIGHTS.test(name) || WEIGHT_INDEX.test(name);
}

/** Copies the small files of `from` into the existing folder `to`; folders without such files are left out. */
export function copySideFiles(from: string, to: string): void {
  for (const { name } of sideFilesOf(from)) {
    const target = path.join(to, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    // Not copyFile, which would also copy a read-only mode.
    fs.writeFileSync(target, fs.readFileSync(path.join(from, name)));
  }
}

/**
 * Text of config.json after all weights became `dtype`. transformers 4 names the field torch_dtype, transformers 5
 * dtype; whichever is there is changed, and torch_dtype, which both read, is added where neither is.
 */
export function configTextWithDtype(config: ModelConfig, dtype: FloatDtype): string {
  const changed: ModelConfig = { ...config };
  const fields = ['torch_dtype', 'dtype'].filter((field) => field in config);
  for (const field of fields.length > 0 ? fields : ['torch_dtype']) changed[field] = TORCH_DTYPES[dtype];
  return `${JSON.stringify(changed, null, 2)}\n`;
}
