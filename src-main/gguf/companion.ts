/**
 * The small folder that stands for a GGUF file wherever a Hugging Face folder is asked for: config.json and the
 * tokenizer's files, made from the file's metadata once, and a pointer to the file, whose weights are read in place.
 */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import { writeFolderAtomic } from '../files/writeWhole.ts';
import { configFromGguf } from './configFromGguf.ts';
import { GGUF_POINTER, headerSha256, type GgufPointer } from './pointer.ts';
import { quantisationName } from './fileTypes.ts';
import { openGguf, type GgufFile } from './read.ts';
import { tokenizerFromGguf, type FoundTokenizer } from './tokenizer/fromGguf.ts';

/**
 * Makes the folder `dir` for `file`; one that is there is replaced. Throws what openGguf, configFromGguf,
 * architectureFromConfig and tokenizerFromGguf throw, and the file system's errors; nothing is left then.
 */
export async function writeCompanion(file: string, dir: string): Promise<void> {
  const gguf = openGguf(file);
  try {
    const { config, notes } = configFromGguf(gguf);
    const found = tokenizerFromGguf(file, gguf.fields);
    const named = { ...config, ...tokenIds(found) };
    checkConfig(file, named);
    const pointer: GgufPointer = {
      file: path.resolve(file),
      sizeBytes: gguf.sizeBytes,
      headerSha256: headerSha256(gguf),
      quantisation: quantisationName(gguf),
      notes: [...memoryNote(gguf), ...notes, ...found.notes],
    };
    await writeFolderAtomic(dir, (folder) => writeFiles(folder, { config: named, found, pointer }), {
      replace: true,
    });
  } catch (error) {
    throw systemErrorAbout(error, dir);
  } finally {
    gguf.close();
  }
}

/** Quantised weights take more room in memory than in the file. */
function memoryNote(gguf: GgufFile): string[] {
  const elements = [...gguf.tensors.values()].reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0);
  if (4 * elements <= gguf.sizeBytes) return [];
  const mib = (4 * elements) / 2 ** 20;
  const size = mib < 1024 ? `${Math.ceil(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
  return [
    `The weights are read in place and become float32 in memory (${size}); the setting Base dtype packs ` +
      'them again.',
  ];
}

/** Of a config.json the field would be named; here nobody has seen one. */
function checkConfig(file: string, config: ModelConfig): void {
  try {
    architectureFromConfig(config);
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== 'BAD_CONFIG') throw error;
    const what = error.message.replace(/^config\.json: /, '');
    throw new GraftError('GGUF_UNSUPPORTED', `${file}, with its metadata read as a config.json: ${what}`, {
      ...error.details,
      file,
    });
  }
}

function tokenIds({ special: { bos, eos, ends, pad } }: FoundTokenizer): ModelConfig {
  const others = [...ends].filter((id) => id !== eos?.id);
  const eosIds = [...(eos ? [eos.id] : []), ...others];
  return {
    ...(bos ? { bos_token_id: bos.id } : {}),
    ...(eosIds.length > 0 ? { eos_token_id: eosIds.length === 1 ? eosIds[0] : eosIds } : {}),
    ...(pad ? { pad_token_id: pad.id } : {}),
  };
}

function writeFiles(
  folder: string,
  { config, found, pointer }: { config: ModelConfig; found: FoundTokenizer; pointer: GgufPointer },
): void {
  const write = (name: string, value: unknown, indent?: number): void =>
    fs.writeFileSync(path.join(folder, name), `${JSON.stringify(value, null, indent)}\n`);
  write('config.json', config, 2);
  write('tokenizer.json', found.tokenizer);
  write('tokenizer_config.json', found.config, 2);
  const roles = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((role) => role in config);
  write('generation_config.json', Object.fromEntries(roles.map((role) => [role, config[role]])), 2);
  write(GGUF_POINTER, pointer, 2);
}
