/** Where things lie: the repository, its node_modules, and the cache that outlives node_modules. */
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const modules = path.join(root, 'node_modules');
/** Scratch of set-up and tests inside the repository; git ignores it. */
export const scratch = path.join(root, '.cache');

/**
 * Graft's own cache folder, shared by all checkouts of this user.
 * @param {Record<string, string | undefined>} [env]
 */
export function cacheFolder(env = process.env) {
  if (env.GRAFT_CACHE) return path.resolve(env.GRAFT_CACHE);
  if (env.XDG_CACHE_HOME) return path.join(env.XDG_CACHE_HOME, 'graft');
  return path.join(os.homedir(), '.cache', 'graft');
}
