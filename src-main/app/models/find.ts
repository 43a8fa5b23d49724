/**
 * Looks where other programs keep models: Hugging Face's cache and LM Studio's folder. Reads names and sizes only.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hubCacheDir } from '../../hub/cache.ts';
import { weightFileStats } from './read.ts';

export interface FoundModel {
  /** `Qwen/Qwen2.5-0.5B`. */
  name: string;
  /** Its folder, or its GGUF file. */
  dir: string;
  sizeBytes: number;
  /** Whose folder it is. */
  place: 'Hugging Face' | 'LM Studio';
}

export interface ModelPlaces {
  huggingFace: string[];
  lmStudio: string[];
}

function usualPlaces(env: NodeJS.ProcessEnv = process.env, home = os.homedir()): ModelPlaces {
  return {
    huggingFace: [hubCacheDir(env, home)],
    lmStudio: [path.join(home, '.lmstudio', 'models'), path.join(home, '.cache', 'lm-studio', 'models')],
  };
}

/** Folders with a config.json and weights, and GGUF files, by name; what cannot be read is passed over. */
export function findModels({ huggingFace, lmStudio }: ModelPlaces = usualPlaces()): FoundModel[] {
  const found = [...huggingFace.flatMap(inHub), ...lmStudio.flatMap(inLmStudio)];
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** `models--ORG--NAME/snapshots/COMMIT`, the newest snapshot of each. */
function inHub(root: string): FoundModel[] {
  return folders(root)
    .filter((name) => name.startsWith('models--'))
    .flatMap((name) => {
      const snapshots = folders(path.join(root, name, 'snapshots'))
        .map((commit) => path.join(root, name, 'snapshots', commit))
        .filter((dir) => sizeOf(dir) > 0)
        .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
      const [dir] = snapshots;
      return dir === undefined
        ? []
        : [{ name: name.split('--').slice(1).join('/'), dir, sizeBytes: sizeOf(dir), place: 'Hugging Face' as const }];
    });
}

/** `PUBLISHER/NAME`, a checkpoint or GGUF files. */
function inLmStudio(root: string): FoundModel[] {
  return folders(root).flatMap((publisher) =>
    folders(path.join(root, publisher)).flatMap((name) => {
      const dir = path.join(root, publisher, name);
      const sizeBytes = sizeOf(dir);
      const whole = { name: `${publisher}/${name}`, dir, sizeBytes, place: 'LM Studio' as const };
      return sizeBytes > 0 ? [whole] : ggufFilesIn(dir).map((file) => ({ ...whole, ...file }));
    }),
  );
}

/** Projectors of images and models in several parts aside. */
function ggufFilesIn(dir: string): Pick<FoundModel, 'name' | 'dir' | 'sizeBytes'>[] {
  return fs
    .readdirSync(dir)
    .filter((name) => /\.gguf$/i.test(name) && !/^mmproj|-of-\d{5}\.gguf$/i.test(name))
    .flatMap((name) => {
      const file = path.join(dir, name);
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ name: path.basename(name, path.extname(name)), dir: file, sizeBytes: stat.size }] : [];
    });
}

/** Of the weights; 0 where this is no base model. */
function sizeOf(dir: string): number {
  if (!fs.existsSync(path.join(dir, 'config.json'))) return 0;
  return weightFileStats(dir).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function folders(dir: string): string[] {
  try {
    return fs
      .readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
