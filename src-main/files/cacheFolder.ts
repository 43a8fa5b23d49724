/** Graft's own cache folder: what lies in it may go at any time. */
import os from 'node:os';
import path from 'node:path';

/** GRAFT_CACHE, else $XDG_CACHE_HOME/graft, else ~/.cache/graft. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['GRAFT_CACHE']) return path.resolve(env['GRAFT_CACHE']);
  return path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'graft');
}
