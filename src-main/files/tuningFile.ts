/** Where the tuner of the webgpu engine keeps what it has learnt: in Graft's cache folder, so it may go at any time. */
import os from 'node:os';
import path from 'node:path';

/** In GRAFT_CACHE, else $XDG_CACHE_HOME/graft, else ~/.cache/graft. */
export function tuningFile(env: NodeJS.ProcessEnv = process.env): string {
  const folder = env['GRAFT_CACHE']
    ? path.resolve(env['GRAFT_CACHE'])
    : path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'graft');
  return path.join(folder, 'webgpu-tuning.json');
}
