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
        .sort((a, b) => changedMs(b) - changedMs(a));
      return newestOf(name.split('--').slice(1).join('/'), snapshots, 'Hugging Face');
    });
}

function changedMs(dir: string): number {
  return fs.statSync(dir, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** `PUBLISHER/NAME`, a checkpoint or GGUF files. */
function inLmStudio(root: string): FoundModel[] {
  return folders(root).flatMap((publisher) =>
    folders(path.join(root, publisher)).flatMap((name) =>
      newestOf(`${publisher}/${name}`, [path.join(root, publisher, name)], 'LM Studio'),
    ),
  );
}

/** The first of these folders that holds a checkpoint, else the GGUF files of the first that has some. */
function newestOf(name: string, dirs: string[], place: FoundModel['place']): FoundModel[] {
  const whole = dirs.find((dir) => sizeOf(dir) > 0);
  if (whole !== undefined) return [{ name, dir: whole, sizeBytes: sizeOf(whole), place }];
  const files = dirs.map(ggufFilesIn).find(({ length }) => length > 0) ?? [];
  return files.map((file) => ({ ...file, place }));
}

/** Projectors of images and models in several parts aside. */
function ggufFilesIn(dir: string): Pick<FoundModel, 'name' | 'dir' | 'sizeBytes'>[] {
  return entriesOf(dir)
    .map(({ name }) => name)
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
  return entriesOf(dir)
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name);
}

function entriesOf(dir: string): fs.Dirent[] {
  try {
    return fs.readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
}
