/**
 * The files of an adapter folder, whatever the method: adapter_model.safetensors or .bin, adapter_config.json where the
 * Python PEFT library has the method, and Graft's graft.json. What the tensors mean is told by peft.ts,
 * peftLycoris.ts, peftPrefix.ts and ownFormat.ts.
 */
import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { CHAT_TEMPLATE } from '../basemodel/sideFiles.ts';
import { writeFolderAtomic } from '../files/writeWhole.ts';
import { castF32 } from '../safetensors/dtype.ts';
import { allFinite } from '../safetensors/finite.ts';
import { GRAFT_FILE, parseGraftInfo, type GraftAdapterInfo } from './graftInfo.ts';
import { openTorchFile } from '../pickle/torchFile.ts';
import { openSafetensors, readFile, readTensorF32, tensorF32From } from '../safetensors/read.ts';
import { writeSafetensors, type WrittenFile } from '../safetensors/write.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import { withNewPaths } from './releasePaths.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
/** Of an adapter of mlx-lm's. */
export const MLX_WEIGHTS = 'adapters.safetensors';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
/** What PEFT wrote before. */
const TORCH_WEIGHTS = 'adapter_model.bin';

/** Adapters are read into memory as a whole. */
const MAX_WEIGHTS_BYTES = 8 * 2 ** 30;

export interface NamedTensor {
  shape: number[];
  /** Row by row. */
  data: Float32Array;
}

export type NamedTensors = Map<string, NamedTensor>;

export interface AdapterFile {
  /** Absolute path. */
  dir: string;
  configFile: string;
  /** Text of adapter_config.json; absent in Graft's own format. */
  configText?: string;
  weightsFile: string;
  /** In the order of the file, all finite. */
  tensors: NamedTensors;
  /** Absent for adapters made outside Graft. */
  graft?: GraftAdapterInfo;
  /** Of the weights file; computed when first asked for. */
  readonly sha256: string;
  sizeBytes: number;
}

/**
 * Reads the adapter in `dir`; weights of any float dtype become float32.
 * Throws GraftError PEFT_NOT_FOUND, NOT_AN_ADAPTER, PEFT_WEIGHTS (NaN or Inf), GRAFT_INFO, SAFETENSORS_* or
 * TORCH_FILE*.
 */
export function readAdapterFile(dir: string): AdapterFile {
  const root = path.resolve(dir);
  refuseOtherRuntimes(root);
  const graft = readGraftInfo(root);
  const configText = readConfig(root, graft);
  const weightsFile = [ADAPTER_WEIGHTS, TORCH_WEIGHTS].map((name) => path.join(root, name)).find(fs.existsSync);
  if (weightsFile === undefined)
    throw new GraftError(
      'PEFT_NOT_FOUND',
      `${root} has neither ${ADAPTER_WEIGHTS} nor ${TORCH_WEIGHTS}; choose the folder of a complete PEFT adapter.`,
      { dir: root },
    );
  const { bytes, tensors } = readTensors(weightsFile);
  let sha256: string | undefined;
  return {
    dir: root,
    configFile: path.join(root, ADAPTER_CONFIG),
    ...withNewPaths(configText, tensors),
    weightsFile,
    ...(graft ? { graft } : {}),
    sizeBytes: fs.statSync(weightsFile).size,
    get sha256() {
      return (sha256 ??= hash('sha256', bytes));
    },
  };
}

/** A folder with the weights of mlx-lm, and none of PEFT's. */
export function isMlxFolder(dir: string): boolean {
  const has = (name: string): boolean => fs.existsSync(path.join(dir, name));
  return has(MLX_WEIGHTS) && !has(ADAPTER_WEIGHTS) && !has(TORCH_WEIGHTS);
}

/** Throws PEFT_NOT_FOUND for a file, and for a folder of mlx-lm's. */
function refuseOtherRuntimes(root: string): void {
  const found = fs.statSync(root, { throwIfNoEntry: false });
  if (!found) throw new GraftError('PEFT_NOT_FOUND', `${root} does not exist; check the path.`, { dir: root });
  const isFile = found.isFile();
  if (!isFile && !isMlxFolder(root)) return;
  throw new GraftError(
    'PEFT_NOT_FOUND',
    `${root} is ${isFile ? 'a file' : 'a folder of mlx-lm'} and no folder of PEFT's; if it is an adapter, bring it ` +
      'in with "graft adapters import" (or Import on the page Adapters), which makes one of it.',
    { dir: root },
  );
}

/** Whether a folder has its weights in a file of PyTorch's, as PEFT wrote them before. */
export function isTorchAdapter(dir: string): boolean {
  return !fs.existsSync(path.join(dir, ADAPTER_WEIGHTS)) && fs.existsSync(path.join(dir, TORCH_WEIGHTS));
}

/** The folder of an adapter of which one file was chosen; everything else as it is. */
export function adapterFolder(given: string): string {
  const dir = path.dirname(given);
  const isPart = [ADAPTER_WEIGHTS, TORCH_WEIGHTS, ADAPTER_CONFIG].includes(path.basename(given));
  return isPart && fs.existsSync(path.join(dir, ADAPTER_CONFIG)) ? dir : given;
}

/** What a folder says of its base and run; undefined for one that Graft did not write. Throws GRAFT_INFO. */
export function readGraftInfo(dir: string): GraftAdapterInfo | undefined {
  const file = path.join(dir, GRAFT_FILE);
  return fs.existsSync(file) ? parseGraftInfo(file, readForeignText(file)) : undefined;
}

/** Whether a folder holds a model, as full fine-tuning makes one, and no adapter. */
export function isWholeModel(dir: string): boolean {
  const has = (name: string): boolean => fs.existsSync(path.join(dir, name));
  return has('config.json') && !has(ADAPTER_CONFIG) && !has(GRAFT_FILE);
}

/** Throws NOT_AN_ADAPTER for the folder of a whole model. */
export function refuseWholeModel(dir: string): void {
  if (!isWholeModel(dir)) return;
  throw new GraftError(
    'NOT_AN_ADAPTER',
    `${dir} is a whole model, as full fine-tuning makes one, and no adapter that could be attached or merged; ` +
      'use it as a model of its own (graft export --model, for instance).',
    { dir },
  );
}

function readConfig(root: string, graft: GraftAdapterInfo | undefined): string | undefined {
  const file = path.join(root, ADAPTER_CONFIG);
  if (fs.existsSync(file)) return readForeignText(file);
  if (graft?.method) return undefined;
  refuseWholeModel(root);
  const isFile = fs.statSync(root, { throwIfNoEntry: false })?.isFile() === true;
  throw new GraftError(
    'PEFT_NOT_FOUND',
    isFile
      ? `${root} is a file; import it ("adapters import"), which makes a PEFT adapter of it, or choose a folder.`
      : `${root} has no ${ADAPTER_CONFIG}; choose the folder of a PEFT adapter.`,
    { dir: root },
  );
}

interface ReadTensors {
  /** Of the whole file. */
  bytes: Uint8Array;
  tensors: NamedTensors;
}

/**
 * A weights file of an adapter as a whole, all finite; of a file of PyTorch's what is no tensor is left aside.
 * Throws FILE_TOO_LARGE, PEFT_WEIGHTS, SAFETENSORS_*, TORCH_FILE*.
 */
export function readAdapterTensors(file: string): Pick<AdapterFile, 'tensors' | 'sha256' | 'sizeBytes'> {
  const { bytes, tensors } = readTensors(file);
  return { tensors, sha256: hash('sha256', bytes), sizeBytes: fs.statSync(file).size };
}

function readTensors(file: string): ReadTensors {
  return file.endsWith('.safetensors') ? readSafetensors(file) : readTorchTensors(file);
}

function readTorchTensors(weightsFile: string): ReadTensors {
  const file = openTorchFile(weightsFile);
  try {
    refuseTooLarge(weightsFile, file.sizeBytes);
    const tensors: NamedTensors = new Map();
    for (const info of file.tensors.values()) {
      const data = readTensorF32(info);
      if (!allFinite(data)) throw adapterWeightsError(weightsFile, info.name, 'holds NaN or Inf');
      tensors.set(info.name, { shape: info.shape, data });
    }
    return { bytes: readFile(file), tensors };
  } finally {
    file.close();
  }
}

function readSafetensors(weightsFile: string): ReadTensors {
  const file = openSafetensors(weightsFile);
  try {
    refuseTooLarge(weightsFile, file.sizeBytes);
    const bytes = readFile(file); // at once: hundreds of small reads take longer
    const tensors: NamedTensors = new Map();
    for (const info of file.tensors.values()) {
      const data = tensorF32From(bytes, info);
      if (!allFinite(data)) throw adapterWeightsError(weightsFile, info.name, 'holds NaN or Inf');
      tensors.set(info.name, { shape: info.shape, data });
    }
    return { bytes, tensors };
  } finally {
    file.close();
  }
}

/** Throws FILE_TOO_LARGE. */
export function refuseTooLarge(file: string, sizeBytes: number): void {
  if (sizeBytes <= MAX_WEIGHTS_BYTES) return;
  throw new GraftError(
    'FILE_TOO_LARGE',
    `${file} has ${sizeBytes} bytes, more than an adapter may have (${MAX_WEIGHTS_BYTES}); use a whole model as a ` +
      'model of its own.',
    { file, sizeBytes, maxBytes: MAX_WEIGHTS_BYTES },
  );
}

export function adapterWeightsError(file: string, tensor: string, problem: string): GraftError {
  return new GraftError('PEFT_WEIGHTS', `${file}: ${tensor} ${problem}; use a complete adapter.`, { file, tensor });
}

export interface AdapterParts {
  /** Fields of adapter_config.json; absent in Graft's own format. */
  config?: Record<string, unknown>;
  tensors: NamedTensors;
  graft?: GraftAdapterInfo | undefined;
  /** Of an adapter made elsewhere; what `graft` says goes before it. */
  chatTemplate?: string | undefined;
}

/**
 * Writes an adapter folder, whole or not at all; `dir` must not exist unless `replace` is set.
 * Throws ADAPTER_NOT_FINITE for NaN or Inf, which no adapter on disk ever holds, DISK_FULL, NOT_ALLOWED.
 */
export async function writeAdapterFile(
  dir: string,
  { config, tensors, graft, chatTemplate }: AdapterParts,
  options: { replace?: boolean } = {},
): Promise<WrittenFile> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const bad = [...tensors].find(([, { data }]) => !allFinite(data));
  if (bad)
    throw new GraftError(
      'ADAPTER_NOT_FINITE',
      `The adapter holds NaN or Inf in ${bad[0]}, so nothing is written to ${dir}; train again with a lower ` +
        'learning rate.',
      { dir, tensor: bad[0] },
    );
  try {
    return await writeFolderAtomic(
      dir,
      (temporary) => {
        if (config) fs.writeFileSync(path.join(temporary, ADAPTER_CONFIG), json(config));
        if (graft) fs.writeFileSync(path.join(temporary, GRAFT_FILE), json(graft));
        const template = graft?.promptTemplate?.template ?? chatTemplate;
        if (template !== undefined) fs.writeFileSync(path.join(temporary, CHAT_TEMPLATE), template);
        return writeSafetensors(
          path.join(temporary, ADAPTER_WEIGHTS),
          [...tensors].map(([name, { shape, data }]) => ({
            name,
            dtype: 'F32',
            shape,
            data: () => castF32(data, 'F32'),
          })),
        );
      },
      options,
    );
  } catch (error) {
    throw systemErrorAbout(error, dir);
  }
}
