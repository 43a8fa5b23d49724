import path from 'node:path';
import type { Machine } from './machine.ts';
export interface Runtime { node: string; entry: string }
export async function installRuntime(_m: Machine, _t: { workDir: string }, _o: { signal?: AbortSignal; onProgress?: (d: number, t: number) => void }): Promise<Runtime> {
  return { node: process.execPath, entry: path.resolve(import.meta.dirname, '../jobs/main.ts') };
}
