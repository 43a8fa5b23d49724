/** Where the tuner of the webgpu engine keeps what it has learnt: in Graft's cache folder, so it may go at any time. */
import path from 'node:path';
import { cacheFolder } from './cacheFolder.ts';

export function tuningFile(env?: NodeJS.ProcessEnv): string {
  return path.join(cacheFolder(env), 'webgpu-tuning.json');
}
