/** Where other programs keep models, on each system. Nothing is read here. */
import os from 'node:os';
import path from 'node:path';
import type { ModelPlace, PlaceName } from '../../../../src-shared/foundModels.ts';
import { hubCacheDir } from '../../../hub/cache.ts';

interface Machine {
  env: NodeJS.ProcessEnv;
  home: string;
  platform: NodeJS.Platform;
}

const THIS_MACHINE: Machine = { env: process.env, home: os.homedir(), platform: process.platform };

/** The usual places, each once, and the folders that the user has named; whether they exist is not asked. */
export function modelPlaces(folders: readonly string[] = [], machine = THIS_MACHINE): ModelPlace[] {
  const { home } = machine;
  const dirs: [PlaceName, string[]][] = [
    ['Hugging Face', [hubCacheDir(machine.env, home), path.join(home, '.cache', 'huggingface', 'hub')]],
    ['LM Studio', [path.join(home, '.lmstudio', 'models'), path.join(home, '.cache', 'lm-studio', 'models')]],
    ['Ollama', ollamaDirs(machine)],
    ['llama.cpp', [llamaCppDir(machine)]],
    ['Folder', folders.map((folder) => path.resolve(folder))],
  ];
  return dirs.flatMap(([name, all]) => [...new Set(all)].map((dir) => ({ name, dir })));
}

/** Ollama's installer for Linux runs it as a user of its own, whose home is below /usr/share. */
function ollamaDirs({ env, home, platform }: Machine): string[] {
  const named = env['OLLAMA_MODELS'];
  const service = platform === 'linux' ? ['/usr/share/ollama/.ollama/models'] : [];
  return [...(named ? [path.resolve(named)] : []), path.join(home, '.ollama', 'models'), ...service];
}

/** As llama.cpp's fs_get_cache_directory. */
function llamaCppDir({ env, home, platform }: Machine): string {
  const named = env['LLAMA_CACHE'];
  if (named) return path.resolve(named);
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'llama.cpp');
  if (platform === 'win32') return path.join(env['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local'), 'llama.cpp');
  return path.join(env['XDG_CACHE_HOME'] || path.join(home, '.cache'), 'llama.cpp');
}
