/**
 * Adapters in the formats of other runtimes, turned into PEFT's. Names and the order of rows depend on the base, so a
 * file becomes an adapter only together with one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { asPeftAdapter } from '../../methods/lora/peft.ts';
import { fullPeftConfig } from '../../methods/lora/peftConfig.ts';
import { loraConfig, plainSettings } from '../../methods/lora/writtenConfig.ts';
import type { WrittenFile } from '../../safetensors/write.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { Base } from '../content.ts';
import { writeAdapterFile, type AdapterFile, type NamedTensors } from '../files.ts';
import { PEFT_PREFIX } from '../peft.ts';
import { storedFrom, type StoredAdapter } from '../stored.ts';
import type { ForeignLora } from './foreignLora.ts';
import { readGgufLora } from './ggufRead.ts';
import { isTorchFile, readLoralib } from './loralibRead.ts';
import { isMlxAdapter, readMlxAdapter } from './mlxRead.ts';

/** What a file does not say of itself. */
export interface ForeignOptions {
  /** Of loralib's adapters. */
  alpha?: number | undefined;
}

/**
 * Undefined for what is none of these: a folder of PEFT's or Graft's own. Throws MLX_ADAPTER, SAFETENSORS_*,
 * GGUF_ADAPTER and as openGguf, LORALIB_* and TORCH_FILE*, and a usage error ADAPTER_ALPHA where a file that says its
 * alpha is given another.
 */
export function readForeignLora(file: string, { alpha }: ForeignOptions = {}): ForeignLora | undefined {
  const root = path.resolve(file);
  if (!isGguf(root) && isTorchFile(root)) return readLoralib(root, alpha);
  if (alpha !== undefined)
    throw usageError('ADAPTER_ALPHA', `${root} says itself what its alpha is; leave alpha (--alpha) out.`, {
      file: root,
    });
  if (isGguf(root)) return readGgufLora(root);
  return isMlxAdapter(root) ? readMlxAdapter(root) : undefined;
}

/** By its first four bytes, whatever its name; a file that ends in .gguf is meant to be one. */
function isGguf(file: string): boolean {
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
  if (file.endsWith('.gguf')) return true;
  const fd = fs.openSync(file, 'r');
  try {
    const magic = Buffer.alloc(4);
    fs.readSync(fd, magic, 0, 4, 0);
    return magic.toString('latin1') === 'GGUF';
  } finally {
    fs.closeSync(fd);
  }
}

interface PeftParts {
  config: Record<string, unknown>;
  tensors: NamedTensors;
}

function peftPartsOf(foreign: ForeignLora, base: Base): PeftParts {
  const modules = foreign.modulesOn(base);
  const settings = { ...plainSettings(modules, base.spec), dropout: foreign.dropout, dora: foreign.dora };
  const tensors: NamedTensors = new Map();
  for (const [module, { A, B, magnitude }] of modules) {
    tensors.set(`${PEFT_PREFIX}${module}.lora_A.weight`, A);
    tensors.set(`${PEFT_PREFIX}${module}.lora_B.weight`, B);
    if (magnitude)
      tensors.set(`${PEFT_PREFIX}${module}.lora_magnitude_vector`, { shape: [magnitude.length], data: magnitude });
  }
  return { config: fullPeftConfig(loraConfig(modules, settings, base)), tensors };
}

/** As an adapter folder is read; what it does to a base is that of the PEFT adapter it becomes. */
export function storedForeign(foreign: ForeignLora): StoredAdapter {
  const file: AdapterFile = {
    dir: foreign.path,
    configFile: foreign.path,
    weightsFile: foreign.path,
    tensors: new Map(),
    sha256: foreign.sha256,
    sizeBytes: foreign.sizeBytes,
  };
  return storedFrom(file, foreign.baseName, (base) => {
    const { config, tensors } = peftPartsOf(foreign, base);
    return asPeftAdapter({ ...file, configText: JSON.stringify(config), tensors }).on(base);
  });
}

/** Writes the PEFT adapter it becomes on this base to the new folder `outDir`. Throws as writeAdapterFile. */
export function writeAsPeft(foreign: ForeignLora, base: Base, outDir: string): Promise<WrittenFile> {
  return writeAdapterFile(outDir, peftPartsOf(foreign, base));
}
